import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { measureLatency } from '../../../scripts/bench/load/latency.ts'
import { fill } from '../../../scripts/bench/setup/fill.ts'
import { acceptedOf, withoutCaller } from '../../support/changes/detached.ts'
import { newFolder } from '../../support/database/database.ts'
import { type ReplicatedPostgres, startReplicated } from '../../support/database/replica.ts'
import { type Answer, call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { held, jobPath, workerOf } from '../../support/worker.ts'
import { paths } from '../../support/world.ts'

/** How many jobs are pruned. By hand: `BRAKE_JOBS=2000000 npx vitest run test/slow/changes/brake.test.ts`. */
const jobs = Number(process.env.BRAKE_JOBS ?? 20_000)
/** Slow enough that the prune is not over before the replica is seen to lag. */
const rate = jobs / 25
const key = 'key-of-the-tests'
const beside = { domain: 'beside', queue: 'live' }
const perSecond = 20

let pair: ReplicatedPostgres
let sql: postgres.Sql
let server: ServerProcess
beforeAll(async () => {
  pair = await startReplicated()
  const env = { JOBS_DB_URL: pair.url, JOBS_DATA_DIR: await newFolder('data'), SINGLE_USER_API_KEY: key }
  server = await spawnServer({ ...env, JOBS_CHANGE_MAX_LAG: '2' })
  sql = postgres(pair.url, { max: 2, onnotice: () => {} })
  await until('the counts are kept', async () => {
    const rows = await sql`select from jobsctl_counting where triggers is not null`.catch(() => [])
    return rows.length > 0
  })
  await fill(pair.url, { rows: jobs, live: 'false', age: `60 - i * 20.0 / ${jobs}` })
}, 1_200_000)
afterAll(async () => {
  await server?.kill()
  await sql?.end()
  await pair?.stop()
})

const send = (method: string, path: string, body?: unknown, headers = {}): Promise<Answer> =>
  call({ url: server.url, method, path, body, headers: { 'x-api-key': key, 'x-confirm': 'true', ...headers } })
const worker = workerOf((path, body) => send('POST', path, body))

/** The 99th percentile of an acquire, in milliseconds, while jobs are enqueued, acquired and completed. */
const p99Of = (meanwhile: Promise<unknown>) =>
  measureLatency(perSecond, meanwhile, async () => {
    const job = await worker.take(beside)
    void send('POST', jobPath(job.id, 'complete'), held(job))
  })
const wait99 = async (ms: number) => {
  await worker.enqueueAll(Array.from({ length: 500 }, () => beside))
  return p99Of(wait(ms))
}
const state = async (operation: number) => {
  const [row] = await sql<{ state: string; affected: number }[]>`
    select state, affected::int from job_operations where id = ${operation}::bigint`
  return row ?? { state: 'unknown', affected: 0 }
}

it('a large prune keeps to its rate, waits for a paused replica, and workers go on beside it', async () => {
  const figures: Record<string, number> = { 'p99 of acquire, idle': await wait99(3000) }
  const began = performance.now()
  const { operation_id: id } = acceptedOf(await send('POST', paths.prune, { rate }, withoutCaller))
  figures['p99 of acquire beside the prune'] = await wait99(3000)
  await until('a batch is done', async () => (await state(id)).affected > 0)

  await pair.replica`select pg_wal_replay_pause()`
  const paused = performance.now()
  const waiting = () => sql`select from jobsctl_waits where waiting ->> 'why' = 'replica_lag'`
  try {
    await until('the prune waits for the replica', async () => (await waiting()).length > 0)
    const { affected } = await state(id)
    figures['jobs pruned until it waited'] = affected
    expect(affected).toBeLessThan(jobs)
    figures['p99 of acquire while it waits'] = await wait99(3000)
    expect(await state(id)).toEqual({ state: 'running', affected })
  } finally {
    await pair.replica`select pg_wal_replay_resume()`
  }
  const stood = performance.now() - paused
  await until('the prune has ended', async () => (await state(id)).state !== 'running', 600_000)
  const took = performance.now() - began
  figures['seconds of the prune'] = took / 1000
  figures['jobs per second, the pause aside'] = jobs / ((took - stood) / 1000)
  expect(await state(id)).toEqual({ state: 'done', affected: jobs })
  // The rate is a limit for the whole time, of which the first batch is one.
  expect(took).toBeGreaterThan(0.9 * (jobs / rate) * 1000)
  const [left] = await sql`
    select (select count(*)::int from jobs where domain <> 'beside') as jobs, count(*)::int as archived from jobs_archive`
  expect(left).toEqual({ jobs: 0, archived: jobs })
  const lines = Object.entries(figures).map(([what, n]) => `${what}: ${Math.round(10 * n) / 10}`)
  process.stdout.write(`a prune of ${jobs} jobs\n  ${lines.join('\n  ')}\n`)
}, 1_800_000)
