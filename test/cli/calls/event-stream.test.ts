import { createServer, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, it } from 'vitest'
import { listenForTest } from '../../support/fakes/listen-for-test.ts'
import { frameOf, liveGroup } from '../../support/fakes/stats-server.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

/** Runs `top` off a terminal, which prints the first message of the stream, at a server that sends this. */
async function topAt(send: (stream: ServerResponse) => Promise<void> | void) {
  const server = createServer((_incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
    void send(outgoing)
  })
  const { url } = await listenForTest(server, 0)
  return { url, ...(await runJobsctl(['top', '--once', '--tsv'], { env: { JOBSCTL_URL: url, JOBSCTL_API_KEY: 'k' } })) }
}

it.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['CR', '\r'],
])(
  'reads a message whose lines end with %s, with its data in several lines, from a stream that stays open',
  async (_name, end) => {
    const lines = JSON.stringify(frameOf([liveGroup({ queued: 7 })]), undefined, 1).split('\n')
    const { code, out } = await topAt((stream) => {
      stream.write(['event: full', ...lines.map((line) => `data: ${line}`), '', ''].join(end))
    })
    expect(code).toBe(0)
    expect(out).toContain('chatbooks\tdefault')
  },
)

/** Sends a text of the given size, in bytes, in small parts, as a network does, until the reader leaves. */
async function sendLong(stream: ServerResponse, bytes: number) {
  const parts = Array<string>(Math.ceil(bytes / 16_384)).fill('x'.repeat(16_384))
  await pipeline(Readable.from(parts), stream, { end: false }).catch(() => {})
}

it('reads a long message in a time that does not grow with the square of its length', async () => {
  const timeOf = async (bytes: number) => {
    const start = process.cpuUsage()
    const { code } = await topAt(async (stream) => {
      stream.write('event: full\ndata: {"pad":"')
      await sendLong(stream, bytes)
      stream.write(`",${JSON.stringify(frameOf([])).slice(1)}\n\n`)
    })
    const { user, system } = process.cpuUsage(start)
    expect(code).toBe(0)
    return user + system
  }
  const short = await timeOf(4 * 2 ** 20)
  // A time that grows with the length is 12 times as long, and one that grows with its square 144 times.
  expect((await timeOf(48 * 2 ** 20)) / short).toBeLessThan(60)
})

it('gives up a message that is too long, and says how long one may be', async () => {
  const { url, code, err } = await topAt(async (stream) => {
    stream.write('event: full\ndata: ')
    await sendLong(stream, 65 * 2 ** 20)
  })
  expect(code).toBe(1)
  expect(err).toContain(`${url} sent a message of more than 64 MiB\n  hint: check with jobsctl doctor that --url is `)
})
