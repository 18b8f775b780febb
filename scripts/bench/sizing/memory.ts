import { Agent, get, type IncomingMessage, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { apiKey } from '../../launch/server.ts'
import type { Bench } from '../bench.ts'
import type { BenchServer } from '../setup/servers.ts'
import type { Sizes } from './sizes.ts'

const opened = 1000
/** The resident memory counts as settled when it has stayed within 1 % for this many readings, two a second. */
const settledReadings = 10
const limitMs = 60_000

/** Waits until the garbage collector has done its work, which shows as memory that stays the same. MiB. */
async function settled({ memory }: BenchServer): Promise<number> {
  const end = performance.now() + limitMs
  for (let [same, before] = [0, await memory()]; ; ) {
    await wait(500)
    const now = await memory()
    same = Math.abs(now - before) < before * 0.01 ? same + 1 : 0
    if (same === 0) before = now
    if (same >= settledReadings || performance.now() > end) return now
  }
}

interface Opened {
  close: () => void
}

/** Opens streams, as `jobsctl top`, readers of events and the dashboard do, and reads what they send. */
async function openStreams(url: string, path: string): Promise<Opened> {
  const agent = new Agent({ keepAlive: true, maxSockets: opened })
  for (let done = 0; done < opened; done += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          get(`${url}${path}`, { agent, headers: { 'x-api-key': apiKey } }, resolve).on('error', reject)
        })
        if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`)
        // The streams are cut at the end.
        response.on('error', () => {}).resume()
      }),
    )
  }
  return { close: () => agent.destroy() }
}

/** Holds acquires of a queue that has no job. */
async function holdAcquires(url: string): Promise<Opened> {
  const agent = new Agent({ keepAlive: true, maxSockets: opened })
  const body = JSON.stringify({ domain: 'empty', worker_id: 'bench-worker', wait_seconds: 60 })
  for (let n = 0; n < opened; n++) {
    const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' }
    request(`${url}/api/v1/jobs/acquire`, { agent, method: 'POST', headers }, (answer) => void answer.resume())
      .on('error', () => {})
      .end(body)
  }
  return { close: () => agent.destroy() }
}

const kinds = [
  { what: '1,000 streams of events', open: (url: string) => openStreams(url, '/api/v1/jobs/events/stream') },
  { what: '1,000 streams of counts', open: (url: string) => openStreams(url, '/api/v1/jobs/stats/stream') },
  { what: '1,000 held acquires', open: holdAcquires },
]

/** Measures each kind on a server of its own, which has served the same number of ordinary calls before. */
export async function memoryOfConnections(bench: Bench): Promise<Sizes['memory']> {
  await bench.create('sizing_memory')
  const measured: Sizes['memory']['opened'] = []
  const starts: number[] = []
  for (const { what, open } of kinds) {
    const server = await bench.serve('sizing_memory')
    starts.push(server.memoryAtStart)
    for (let n = 0; n < 20; n++)
      await Promise.all(Array.from({ length: 50 }, () => server.api.load('/api/v1/jobs/stats')))
    const before = await settled(server)
    const { close } = await open(server.url)
    measured.push({ what, before: Math.round(before), after: Math.round(await settled(server)) })
    close()
    await server.stop()
    bench.logProgress(`   memory: ${what}`)
  }
  return { start: Math.round(starts[0] ?? 0), opened: measured }
}
