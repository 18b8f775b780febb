import { Failure } from '../../../shared/errors.ts'

/** A line that is not blank, with its number from 1. */
export interface InputLine {
  number: number
  text: string
}

/** A longer line can be no job: a payload has at most 1 GiB, and a text of Node half of it. */
const mostBytes = 64 * 2 ** 20
const newline = 10

/**
 * The lines of a file, of which only one is in memory at a time.
 * @throws Failure `usage` with the number of a line that is longer than 64 MiB or no UTF-8
 */
export async function* inputLines(parts: AsyncIterable<Uint8Array>): AsyncGenerator<InputLine> {
  let number = 0
  let open: Uint8Array[] = []
  let bytes = 0
  const take = (part: Uint8Array) => {
    open.push(part)
    bytes += part.length
    if (bytes > mostBytes) throw new Failure('usage', `line ${number + 1}: is longer than ${mostBytes / 2 ** 20} MiB`)
  }
  const close = (): InputLine => {
    number += 1
    const text = decoded(Buffer.concat(open), number)
    open = []
    bytes = 0
    return { number, text }
  }
  for await (const part of parts) {
    let from = 0
    for (let end = part.indexOf(newline); end >= 0; end = part.indexOf(newline, from)) {
      take(part.subarray(from, end))
      from = end + 1
      const line = close()
      if (line.text.trim() !== '') yield line
    }
    take(part.subarray(from))
  }
  const last = close()
  if (last.text.trim() !== '') yield last
}

function decoded(line: Uint8Array, number: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line)
  } catch (cause) {
    throw new Failure('usage', `line ${number}: is not UTF-8`, { cause })
  }
}
