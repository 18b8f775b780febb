import { createParser } from 'eventsource-parser'
import { TooLong } from './body.ts'

/** A message of a stream of server-sent events. */
export interface ServerEvent {
  id: string | undefined
  /** The name of the message; `message` where the server gives none. */
  event: string
  data: string
}

interface Limits {
  /** The longest message in characters. */
  most: number
  /** Called when bytes come, comments and parts of messages included. */
  heard: () => void
}

/**
 * The messages of a stream, as the HTML standard reads them; those without data are left out.
 * @throws TooLong for a message that is longer than allowed, or the error of `body`
 */
export async function* serverEventsOf(
  body: AsyncIterable<Uint8Array>,
  { most, heard }: Limits,
): AsyncGenerator<ServerEvent> {
  const found: ServerEvent[] = []
  let isTooLong = false
  const parser = createParser({
    maxBufferSize: most,
    onEvent: ({ id, event = 'message', data }) => void (data !== '' && found.push({ id, event, data })),
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') isTooLong = true
    },
  })
  const decoder = new TextDecoder()
  let isAfterCr = false
  for await (const bytes of body) {
    heard()
    const decoded = decoder.decode(bytes, { stream: true })
    if (decoded === '') continue
    const text: string = isAfterCr && decoded.startsWith('\n') ? decoded.slice(1) : decoded
    // The parser waits for what comes after a CR, which may be the end of the last message for a long time.
    isAfterCr = text.endsWith('\r')
    parser.feed(isAfterCr ? `${text}\n` : text)
    yield* found.splice(0)
    if (isTooLong) throw new TooLong()
  }
}
