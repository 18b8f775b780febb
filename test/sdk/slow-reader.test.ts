import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createClient } from '../../sdk/client.ts'

describe('a stream whose reader is slow', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** A server that sends three messages at once, and then nothing. */
  const client = createClient({
    url: 'http://127.0.0.1:1',
    fetch: async (_url, { signal }) =>
      new Response(
        new ReadableStream({
          start: (body) => {
            for (const n of [1, 2, 3]) body.enqueue(new TextEncoder().encode(`data: ${n}\n\n`))
            signal?.addEventListener('abort', () => body.error(signal.reason))
          },
        }),
        { headers: { 'Content-Type': 'text/event-stream' } },
      ),
  })

  it('ends by the silence of the server alone, and not by that of the reader', async () => {
    const messages = client.eventStream({})
    for (const data of [1, 2, 3]) {
      expect(await messages.next()).toMatchObject({ value: { data } })
      await vi.advanceTimersByTimeAsync(60_000)
    }
    const silent = expect(messages.next()).rejects.toMatchObject({ code: 'timed_out' })
    await vi.advanceTimersByTimeAsync(31_000)
    await silent
  })
})
