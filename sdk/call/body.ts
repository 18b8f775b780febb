/** A body that is longer than allowed. */
export class TooLong extends Error {}

/** The bytes of a body as they come. Leaving the loop ends the connection. */
export async function* bytesOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (!body) return
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/**
 * A whole body.
 * @throws TooLong for more than `most` bytes
 */
export async function textOf(response: Response, most: number): Promise<string> {
  const decoder = new TextDecoder()
  const parts: string[] = []
  let length = 0
  for await (const bytes of bytesOf(response)) {
    length += bytes.length
    if (length > most) throw new TooLong()
    parts.push(decoder.decode(bytes, { stream: true }))
  }
  return parts.join('')
}

/**
 * The lines of a body without the blank ones.
 * @throws TooLong for a line of more than `most` characters
 */
export async function* linesOf(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    // To split all of a long line whenever a part of it comes would take the square of its length.
    const [first = '', ...more] = decoder.decode(bytes, { stream: true }).split('\n')
    rest += first
    if (rest.length > most) throw new TooLong()
    const last = more.pop()
    if (last === undefined) continue
    yield* [rest, ...more].filter(isNotBlank)
    rest = last
  }
  if (isNotBlank(rest)) yield rest
}

const isNotBlank = (line: string): boolean => line.trim() !== ''
