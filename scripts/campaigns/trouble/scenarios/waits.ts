import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { Agent, request } from 'undici'
import { acquire, controlQueue, enqueueBatch, eventStream, events, listJobs } from '../../../../shared/endpoints.ts'
import { measureLatency } from '../../../bench/load/latency.ts'
import { apiKey } from '../../stress/actors/caller.ts'
import type { Tried } from '../actions.ts'
import { post } from '../http.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'

const headers = { 'x-api-key': apiKey }
const roundMs = 6000
const acquiresPerSecond = 20
const actsPerSecond = 2
/** Below this, in milliseconds, the noise of a machine of two cores is larger than what the readers cost. */
const noiseMs = 30

/** A log of events that none of the readers below wants, and jobs that no list finds. */
async function fill({ sql, short }: Stage): Promise<number> {
  const rows = short ? 200_000 : 2_000_000
  for (let left = rows; left > 0; left -= 100_000)
    await sql`
      insert into job_events (job_id, event_type, domain, queue, job_type, attrs_json)
      select n, 'job.created', 'usual', 'default', 'export', jsonb_build_object('n', n)
      from generate_series(1, ${Math.min(left, 100_000)}::int) as n`
  await sql`
    insert into jobs (domain, queue, job_type, status, completed_at, error_message)
    select 'usual', 'default', 'export', 'failed', now(), 'no answer from ' || n from generate_series(1, 60000) as n`
  return rows
}

interface Readers {
  end: () => Promise<unknown>
}

/** Everybody who looks: readers of filtered events, streams that catch up, slow lists, and streams that only wait. */
async function startReaders(url: string, log: number): Promise<Readers> {
  const leaving = new AbortController()
  const dispatcher = new Agent({ bodyTimeout: 0, headersTimeout: 120_000 })
  const get = (path: string) => request(`${url}${path}`, { headers, dispatcher, signal: leaving.signal })
  const again = async (path: () => string) => {
    while (!leaving.signal.aborted)
      await get(path())
        .then(({ body }) => body.dump({ limit: 2 ** 24 }))
        .catch(() => {})
  }
  const somewhere = () => Math.floor(Math.random() * log * 0.2)
  const streams = Array.from({ length: 1000 }, () => get(`${eventStream.path}?after_id=${Number.MAX_SAFE_INTEGER}`))
  for (const stream of await Promise.all(streams)) stream.body.on('error', () => {}).resume()
  const reading = [
    ...Array.from({ length: 12 }, () => again(() => `${events.path}?domain=nobody&after_id=${somewhere()}`)),
    ...Array.from({ length: 4 }, () => again(() => `${listJobs.path}?error=nowhere&limit=50`)),
    ...Array.from({ length: 4 }, async () => {
      const { body } = await get(`${eventStream.path}?domain=nobody`)
      body.on('error', () => {}).resume()
    }),
  ]
  return {
    end: async () => {
      leaving.abort()
      await Promise.allSettled(reading)
      await dispatcher.destroy()
    },
  }
}

/** A role that may do nothing but connect, and that holds the locks of servers. */
async function holdLocks({ sql, dbUrl }: Stage): Promise<postgres.Sql> {
  await sql`create role campaign_stranger login`.catch(() => {})
  const url = Object.assign(new URL(dbUrl), { username: 'campaign_stranger' })
  const session = postgres(url.href, { max: 1, onnotice: () => {} })
  for (const name of ['jobsctl counts', 'jobsctl edges']) await session`select pg_advisory_lock(hashtext(${name}))`
  for (const name of ['operations', 'chain', 'events', 'history', 'freeze'])
    await session`select pg_advisory_lock(hashtextextended(${`jobsctl ${name}`}, 0))`
  return session
}

interface Latencies {
  acquire: number
  act: number
}

/** The 99th percentile of acquires and of acts, in milliseconds, while both are called at a constant rate. */
async function measure(url: string, domain: string): Promise<Latencies> {
  const jobs = Array.from({ length: 150 }, () => ({ domain, queue: 'default', job_type: 'export', payload: {} }))
  await ok(url, enqueueBatch.path, { jobs })
  const take = () => ok(url, acquire.path, { domain, queue: 'default', worker_id: 'campaign', lease_seconds: 600 })
  let acts = 0
  const act = () => {
    const action = acts++ % 2 === 0 ? 'pause' : 'resume'
    return ok(url, controlQueue.path, { domain, queue: 'acts', action })
  }
  const [acquired, acted] = await Promise.all([
    measureLatency(acquiresPerSecond, wait(roundMs), take),
    measureLatency(actsPerSecond, wait(roundMs), act),
  ])
  return { acquire: acquired, act: acted }
}

async function ok(url: string, path: string, body: object): Promise<void> {
  const { code, sentence } = await post(url, { path, body })
  if (code !== 'ok') throw new Error(`${path}: ${code} ${sentence}`)
}

const middle = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

function triedOf(action: keyof Latencies, idle: Latencies[], beside: Latencies[]): Tried {
  const [alone, busy] = [middle(idle.map((one) => one[action])), middle(beside.map((one) => one[action]))]
  const isKept = busy <= Math.max(2 * alone, alone + noiseMs)
  const figures = `p99 of ${action} ${busy.toFixed(1)} ms, ${alone.toFixed(1)} ms without them`
  console.log(figures)
  return {
    action: figures,
    outcome: { client: 'HTTP', status: 200, code: isKept ? 'ok' : 'too_slow', sentence: figures, affected: undefined },
    ...{ jobs: 0, changed: 0 },
  }
}

export const waits: readonly Scenario[] = [
  {
    trouble: 'readers who read as fast as they can, 1,000 idle streams, and a stranger that holds the locks of servers',
    promised: {
      page: 'docs/deploy/postgresql.md',
      sentence: 'the p99 of acquire beside such readers stays within twice of idle',
    },
    allowed: ['ok'],
    run: async (stage) => {
      const log = await fill(stage)
      const idle: Latencies[] = []
      const beside: Latencies[] = []
      await stage.withServer(async ({ url }) => {
        await measure(url, stage.domain())
        for (let round = 0; round < (stage.short ? 3 : 7); round++) {
          idle.push(await measure(url, stage.domain()))
          const [session, readers] = [await holdLocks(stage), await startReaders(url, log)]
          try {
            beside.push(await measure(url, stage.domain()))
          } finally {
            await readers.end()
            await session.end()
          }
        }
      })
      await stage.sql`truncate jobs, job_events`
      return (['acquire', 'act'] as const).map((action) => triedOf(action, idle, beside))
    },
  },
]
