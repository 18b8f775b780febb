import type { Target } from '../settings/target.ts'
import type { Response } from './connection.ts'
import { headerOf, type Received } from './received.ts'

/** The largest answer in bytes; V8's longest string is larger. */
const mostOfAny = 256 * 2 ** 20

interface Call {
  target: Target
  changing: boolean
  /** The largest answer that the caller takes, in bytes. */
  mostBytes?: number | undefined
}

/**
 * Reads a response up to its end.
 * @throws Failure `unexpected_answer` for a body that is too long, or the error of the connection
 */
export async function readWhole(response: Response, call: Call): Promise<Received> {
  const { status, headers, body } = response
  const { mostBytes = mostOfAny } = call
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body) {
    parts.push(part)
    bytes += part.length
    if (bytes <= mostBytes) continue
    const { tooLong } = await import('./response-errors.ts')
    throw tooLong(call, mostBytes)
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
