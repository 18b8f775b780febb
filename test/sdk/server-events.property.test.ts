import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TooLong } from '../../sdk/call/body.ts'
import { type ServerEvent, serverEventsOf } from '../../sdk/call/server-events.ts'

const encoder = new TextEncoder()

async function* chunks(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  let at = 0
  for (const place of [...places, bytes.length]) {
    yield bytes.subarray(at, place)
    at = place
  }
}

async function read(body: AsyncIterable<Uint8Array>, most = 1e6): Promise<ServerEvent[]> {
  const found: ServerEvent[] = []
  for await (const event of serverEventsOf(body, { most, heard: () => {} })) found.push(event)
  return found
}

/** A text without the ends of lines, and without a null, for which an id is ignored. */
const line = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll(/[\r\n\0]/g, ''))
const message = fc.record({
  id: fc.option(line, { nil: undefined }),
  event: fc.option(
    line.filter((name) => name !== ''),
    { nil: undefined },
  ),
  data: fc.array(line, { minLength: 1, maxLength: 4 }),
  comment: fc.option(line, { nil: undefined }),
  ends: fc.infiniteStream(fc.constantFrom('\n', '\r\n', '\r')),
})
type Message = typeof message extends fc.Arbitrary<infer T> ? T : never

const linesOf = ({ id, event, data, comment }: Message): string[] => [
  ...(comment === undefined ? [] : [`: ${comment}`]),
  ...(id === undefined ? [] : [`id: ${id}`]),
  ...(event === undefined ? [] : [`event: ${event}`]),
  ...data.map((text) => `data: ${text}`),
  '',
]

/** The text of a message. A CR before an LF would be one end of a line, so that an LF follows none. */
function textOf(sent: Message): string {
  let before = ''
  return linesOf(sent)
    .map((text) => {
      const end = String(sent.ends.next().value)
      const isOne = text === '' && before.endsWith('\r') && end === '\n'
      before = isOne ? '\r\n' : end
      return `${text}${before}`
    })
    .join('')
}

describe('the reader of server-sent events', () => {
  it('reads each message, by whatever its lines end and wherever the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 6 }), fc.array(fc.nat()), async (sent, cuts) => {
        const text = sent.map(textOf).join('')
        const expected = sent
          .map(({ id, event = 'message', data }) => ({ id, event, data: data.join('\n') }))
          .filter(({ data }) => data !== '')
        expect(await read(chunks(encoder.encode(text), cuts))).toEqual(expected)
      }),
    )
  })

  it.each(['\n', '\r\n', '\r'])('gives a message at its last byte, with %j at the end of its lines', async (end) => {
    let isEnded = false
    async function* silentAfter(text: string): AsyncGenerator<Uint8Array> {
      yield encoder.encode(text)
      isEnded = true
    }
    for await (const { data } of serverEventsOf(silentAfter(`data: 1${end}data: 2${end}${end}`), {
      most: 99,
      heard() {},
    })) {
      expect({ data, isEnded }).toEqual({ data: '1\n2', isEnded: false })
    }
    expect(isEnded).toBe(true)
  })

  it('leaves out a message that the end of the stream cuts off', async () => {
    expect(await read(chunks(encoder.encode('data: 1\n\ndata: 2\n'), []))).toEqual([
      { id: undefined, event: 'message', data: '1' },
    ])
  })

  it('is told of all bytes, those of comments too', async () => {
    let heard = 0
    const body = chunks(encoder.encode(': a\n\n: b\n\n'), [5])
    for await (const event of serverEventsOf(body, { most: 9, heard: () => heard++ })) expect(event).toBeUndefined()
    expect(heard).toBe(2)
  })

  it.each([
    ['a line', 'x'.repeat(16_384)],
    ['lines of data', `${'data: x\n'.repeat(2048)}`],
  ])('ends at a message that is longer than allowed, in %s', async (_what, part) => {
    let sent = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (yield encoder.encode('data: '); ; sent++) yield encoder.encode(part)
    }
    await expect(read(endless())).rejects.toBeInstanceOf(TooLong)
    expect(sent).toBeLessThan(1000)
  })
})
