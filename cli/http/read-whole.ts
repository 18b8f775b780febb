import type { Target } from '../settings/target.ts'
import type { Response } from './connection.ts'
import { headerOf, type Received } from './received.ts'

/** The largest answer in bytes; V8's longest string is larger. */
const mostOfAny = 256 * 2 ** 20

/** The bytes of answers that a caller takes from several servers, all of which it keeps. */
export interface AnswerRoom {
  /** Of one answer. */
  mostOfOne: number
  /** Of all together. */
  most: number
  /** What of it is left. */
  left: number
}

interface Call {
  target: Target
  changing: boolean
  /** Undefined for a caller with one server. */
  room?: AnswerRoom | undefined
}

/**
 * Reads a response up to its end.
 * @throws Failure `unexpected_answer` for a body that is too long, alone or together with the answers of other servers, or the error of the
 * connection
 */
export async function readWhole(response: Response, call: Call): Promise<Received> {
  const { status, headers, body } = response
  const room = call.room ?? { mostOfOne: mostOfAny, most: mostOfAny, left: mostOfAny }
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of body) {
      parts.push(part)
      bytes += part.length
      room.left -= part.length
      if (bytes <= room.mostOfOne && room.left >= 0) continue
      const { tooLong } = await import('./response-errors.ts')
      throw tooLong(call, bytes > room.mostOfOne ? room.mostOfOne : { together: room.most })
    }
  } catch (error) {
    room.left += bytes
    throw error
  }
  const text = new TextDecoder().decode(Buffer.concat(parts))
  return { status, headers, header: headerOf(response), json: jsonOf(text), text }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
