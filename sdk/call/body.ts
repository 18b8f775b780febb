/** A body that is longer than allowed. */
export class TooLong extends Error {}

/**
 * The parts of a body as texts. Leaving the loop ends the connection.
 * @throws TooLong for more than `most` bytes; `length` is set to the number of bytes so far
 */
async function* textsOf({ body }: Response, most: number, length = { bytes: 0 }): AsyncGenerator<string> {
  if (!body) return
  const reader = body.getReader()
  const decoder = new TextDecoder()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      length.bytes += value.length
      if (length.bytes > most) throw new TooLong()
      yield decoder.decode(value, { stream: true })
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/**
 * A whole body.
 * @throws TooLong
 */
export async function textOf(response: Response, most: number): Promise<string> {
  const parts: string[] = []
  for await (const part of textsOf(response, most)) parts.push(part)
  return parts.join('')
}

/**
 * The parts of a body between two separators of one or two characters, without blank ones.
 * @throws TooLong for one part of more than `most` bytes
 */
export async function* partsOf(response: Response, separator: string, most: number): AsyncGenerator<string> {
  const length = { bytes: 0 }
  let rest = ''
  let before = ''
  for await (const text of textsOf(response, most, length)) {
    // To look through all of a long part whenever a piece of it comes would take the square of its length.
    const since = `${before}${text}`
    const isEnd = since.includes(separator)
    before = since.slice(-1)
    rest += text
    if (!isEnd) continue
    const parts = rest.split(separator)
    rest = parts.pop() ?? ''
    if (parts.length > 0) length.bytes = rest.length
    for (const part of parts) if (part.trim() !== '') yield part
  }
  if (rest.trim() !== '') yield rest
}
