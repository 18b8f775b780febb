import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { acquireAll, enqueueAll, finishAll, type LeasedJob } from '../load/worker-pool.ts'
import type { Sizes } from './sizes.ts'
import type { SizedDatabase } from './storage.ts'

type Wal = Sizes['wal'][number]

/** Bytes of WAL that `work` writes, what the server does meanwhile included. */
async function walOf(sql: Sql, work: () => Promise<unknown>): Promise<number> {
  const [{ from }] = await sql<[{ from: string }]>`select pg_current_wal_insert_lsn()::text as from`
  await work()
  const [{ bytes }] = await sql<[{ bytes: number }]>`
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), ${from}::text::pg_lsn)::float8 as bytes`
  return bytes
}

const sizes = [
  { jobs: 10_000, enqueue: 1000, take: 100 },
  { jobs: 300, enqueue: 1, take: 1 },
]
const calls = ['enqueue', 'acquire', 'finish'] as const
const rounds = 3

/**
 * Measures enqueue, acquire and finish, in batches and one by one: in a round with a checkpoint before each of them, and in the last of
 * those that follow; the vacuum of all these jobs comes last.
 */
export async function walOfWork(sized: SizedDatabase): Promise<Wal[]> {
  const { sql } = sized
  const found: Wal[] = []
  for (const { jobs, enqueue, take } of sizes) {
    const round = (isFresh: boolean) => walOfRound(sized, { jobs, enqueue, take, isFresh })
    const fresh = await round(true)
    // Touches the pages that a round writes: from now on none of them is written whole.
    await round(false)
    const steady = await round(false)
    for (const call of calls) {
      const size = call === 'enqueue' ? enqueue : take
      const what = `${call}, ${size === 1 ? 'one by one' : `${size.toLocaleString('en')} a call`}`
      found.push({ what, jobs, afterCheckpoint: fresh[call], steady: steady[call] })
    }
  }
  const ended = sizes.reduce((sum, { jobs }) => sum + jobs * rounds, 0)
  const vacuumed = await walOf(sql, () => sql`vacuum jobs, job_events`)
  return [...found, { what: 'vacuum, of jobs that have ended', jobs: ended, steady: Math.round(vacuumed / ended) }]
}

interface Round {
  jobs: number
  enqueue: number
  take: number
  /** True for a checkpoint before each kind of call. */
  isFresh: boolean
}

/** Enqueues, leases and completes jobs. Returns bytes of WAL for a job. */
async function walOfRound({ server, sql }: SizedDatabase, { jobs, enqueue, take, isFresh }: Round) {
  const pool = { apis: [server.api], workers: 4 }
  const measure = async (work: () => Promise<unknown>) => {
    if (isFresh) await sql`checkpoint`
    return Math.round((await walOf(sql, work)) / jobs)
  }
  let leased: LeasedJob[] = []
  const enqueued = await measure(() => enqueueAll(pool, { jobs, batch: enqueue }))
  const acquired = await measure(async () => {
    leased = (await acquireAll(pool, { jobs, batch: take })).leased
  })
  return { enqueue: enqueued, acquire: acquired, finish: await measure(() => finishAll(pool, leased, take)) }
}

const pruned = 40_000

/** Prunes some of the jobs after a checkpoint, into the archive and without it. */
export async function walOfPrune({ server, sql }: SizedDatabase): Promise<Wal[]> {
  const prune = async (more: object) => {
    await sql`
      update jobs set completed_at = now() - interval '60 days'
      where id in (select id from jobs where domain = 'bench' and status = 'completed' order by id limit ${pruned})`
    await sql`vacuum (analyze) jobs`
    await sql`checkpoint`
    const work = () => server.api.post('/api/v1/jobs/prune', { domain: 'bench', older_than_days: 30, ...more })
    return Math.round((await walOf(sql, work)) / pruned)
  }
  const [archived, deleted] = [await prune({}), await prune({ no_archive: true })]
  return [
    { what: 'prune, into the archive', jobs: pruned, afterCheckpoint: archived },
    { what: 'prune, without the archive', jobs: pruned, afterCheckpoint: deleted },
  ]
}

/** Bytes of WAL in a minute without calls, after a checkpoint. */
export async function walWhileIdle({ sql }: SizedDatabase): Promise<number> {
  return Math.round(await walOf(sql, () => wait(60_000)))
}
