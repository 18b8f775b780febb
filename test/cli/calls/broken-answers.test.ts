import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { until } from '../../support/poll.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'
const broke = 'the connection broke'
const reset = 'the connection was reset'
const noHttp = 'the answer is not HTTP'
const json = (headers = '') => `${head}${headers}content-length: 2\r\n\r\n[]`

/** Runs `stats` against a server that answers each request by `answer`, byte by byte. */
async function statsAt(answer: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return runJobsctl(['stats', '--retries', '0'], {
    env: { JOBSCTL_URL: `http://127.0.0.1:${port}`, JOBSCTL_API_KEY: 'k' },
  })
}

it('a change is not said to be possibly made where TLS was never ready', async () => {
  const server = createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end()))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const env = { JOBSCTL_URL: `https://127.0.0.1:${port}`, JOBSCTL_API_KEY: 'k' }
  const { code, err } = await runJobsctl(['mark', 'deployed', '--retries', '0'], { env })
  expect(code).toBe(7)
  expect(err).toContain(`cannot reach https://127.0.0.1:${port}: `)
  expect(err).not.toContain('may still')
})

it('a server that never answers the handshake of TLS is given up at the deadline, and its connection ends', async () => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.resume().on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const env = { JOBSCTL_URL: `https://127.0.0.1:${port}`, JOBSCTL_API_KEY: 'k' }
  const { code, err } = await runJobsctl(['mark', 'deployed', '--timeout', '1'], { env })
  expect(code).toBe(7)
  expect(err).toContain(`no answer from https://127.0.0.1:${port} within 1 s\n`)
  await until('the connection has ended', () => sockets.size === 0)
})

it.each<[string, (socket: Socket) => void, string]>([
  ['an end in place of an answer', (socket) => socket.end(), broke],
  ['a reset in place of an answer', (socket) => socket.resetAndDestroy(), reset],
  ['an end among the headers', (socket) => socket.end(head), broke],
  ['an end within the body', (socket) => socket.end(`${head}content-length: 9\r\n\r\n[`), broke],
  [
    'a reset within the body',
    (socket) => socket.write(`${head}content-length: 9\r\n\r\n[`, () => socket.resetAndDestroy()),
    'the connection (was reset|broke)', // by whether the system still hands over what came before
  ],
  ['an end within a chunk', (socket) => socket.end(`${head}transfer-encoding: chunked\r\n\r\n9\r\n[`), broke],
  [
    'a chunk without its size',
    (socket) => socket.write(`${head}transfer-encoding: chunked\r\n\r\n`, () => socket.end('zz\r\n[]')),
    noHttp,
  ],
  ['another protocol', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'), noHttp],
  ['two lengths of one body', (socket) => socket.end(json('content-length: 3\r\n')), noHttp],
  [
    'a change of the protocol that nobody asked for',
    (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    broke,
  ],
  ['a 100 Continue that nobody asked for', (socket) => socket.end(`HTTP/1.1 100 Continue\r\n\r\n${json()}`), broke],
  ['70 KB of headers', (socket) => socket.end(json(`x-a: ${'a'.repeat(70_000)}\r\n`)), 'more than 64 KiB of headers'],
])('%s is reported in plain words', async (_what, answer, words) => {
  const { code, out, err } = await statsAt(answer)
  expect({ code, out }).toEqual({ code: 7, out: '' })
  expect(err).toMatch(new RegExp(`${words}\\n {2}hint: `))
})

it.each<[string, (socket: Socket) => void]>([
  ['60 KB of headers', (socket) => socket.end(json(`x-a: ${'a'.repeat(60_000)}\r\n`))],
  [
    'news before the answer',
    (socket) => socket.end(`HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${json()}`),
  ],
  ['bytes behind the answer', (socket) => socket.end(`${json()}more`)],
  ['an answer that ends with the connection', (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n[]')],
])('%s are no failure', async (_what, answer) => {
  expect(await statsAt(answer)).toMatchObject({ code: 0, out: '' })
})
