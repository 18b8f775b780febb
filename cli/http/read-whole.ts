import type { Failure } from '../../shared/errors.ts'
import type { Target } from '../settings/target.ts'
import type { Response } from './connection.ts'
import { headerOf, type Received } from './received.ts'

/** The largest answer in bytes; V8's longest string is larger. */
const mostOfAny = 256 * 2 ** 20

/** The bytes of answers that a caller takes from one of several servers, all of which it keeps. */
export interface AnswerRoom {
  /** Of one answer. */
  mostOfOne: number
  /** Of all servers together. */
  most: number
  /** False where so much is not left. */
  take: (bytes: number) => boolean
  giveBack: (bytes: number) => void
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
  const { room } = call
  const mostOfOne = room?.mostOfOne ?? mostOfAny
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of body) {
      if (bytes + part.length > mostOfOne) throw await tooLong(call, mostOfOne)
      if (room?.take(part.length) === false) throw await tooLong(call, { together: room.most })
      parts.push(part)
      bytes += part.length
    }
  } catch (error) {
    room?.giveBack(bytes)
    throw error
  }
  const text = new TextDecoder().decode(Buffer.concat(parts))
  return { status, headers, header: headerOf(response), json: jsonOf(text), text }
}

const tooLong = async (call: Call, most: number | { together: number }): Promise<Failure> =>
  (await import('./response-errors.ts')).tooLong(call, most)

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
