import { Agent, request } from 'undici'
import { eventStream, events, listJobs } from '../../../shared/endpoints.ts'
import { apiKey } from '../../launch/server.ts'
import { Looking } from './looking.ts'

/**
 * Everybody who looks, in a process of their own: it is the server that must not make a worker wait, and a reader that is busy with what it has
 * read would make the worker of the same process wait. Says `reading` to its parent when all streams
 * are at the head, and reads until it is killed.
 */
const { url, log, idle, told, filtered, lists, catchingUp } = Looking.parse(JSON.parse(process.argv[2] ?? ''))
const dispatcher = new Agent({ bodyTimeout: 0, headersTimeout: 120_000 })
const get = (path: string) => request(`${url}${path}`, { headers: { 'x-api-key': apiKey }, dispatcher })

async function readAgain(path: () => string): Promise<never> {
  for (;;)
    await get(path())
      .then(({ body }) => body.dump({ limit: 2 ** 24 }))
      .catch(() => {})
}

/** Resolves with the first heartbeat: the reads with which a stream begins are over then. */
async function follow(query: string): Promise<void> {
  const { body } = await get(`${eventStream.path}?${query}`)
  body.on('error', () => {})
  await new Promise<void>((resolve) => {
    body.on('data', (chunk: Buffer) => {
      if (chunk.includes(': heartbeat')) resolve()
    })
  })
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
const somewhere = () => Math.floor(Math.random() * log * 0.2)

process.once('disconnect', () => process.exit())
const head = `after_id=${Number.MAX_SAFE_INTEGER}`
await Promise.all([...times(idle, () => follow(`domain=nobody&${head}`)), ...times(told, () => follow(head))])
times(filtered, () => readAgain(() => `${events.path}?domain=nobody&after_id=${somewhere()}`))
times(lists, () => readAgain(() => `${listJobs.path}?error=nowhere&limit=50`))
times(catchingUp, () => void follow('domain=nobody').catch(() => {}))
process.send?.('reading')
