import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import * as z from 'zod'
import { acquire, complete, controlQueue, enqueueBatch } from '../../../../shared/endpoints.ts'
import { measureLatency } from '../../../bench/load/latency.ts'
import type { Tried } from '../actions.ts'
import { post } from '../http.ts'
import { besideReaders, type Looking } from '../looking.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'

const [roundMs, callsPerSecond, actsPerSecond] = [4000, 40, 4]
/** At least as many as a round acquires, and as many as it finishes. */
const jobs = 200
/**
 * Below this, in milliseconds, the noise of a machine of two cores is larger than what the readers cost. The 99th percentile of the few acts is
 * the slowest of them, and operators wait for each other.
 */
const noiseMs = { acquire: 10, finish: 10, act: 100 }
/** A machine that has other work makes single rounds slow: the rounds go on until the bound is kept, and this many at most. */
const [fewestRounds, mostRounds] = [3, 9]

/** A log of events that none of the readers wants, and jobs that no list finds. */
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

const actions = ['acquire', 'finish', 'act'] as const
type Action = (typeof actions)[number]
type Latencies = Record<Action, number>

const Leased = z.object({ jobs: z.array(z.object({ id: z.number(), lease_id: z.string() })) })

/** The 99th percentile of acquires, finishes and acts, in milliseconds, while each is called at a constant rate. */
async function measure(url: string, domain: string): Promise<Latencies> {
  const mine = { domain, queue: 'default' }
  const worker_id = 'campaign'
  await ok(url, enqueueBatch.path, {
    jobs: Array.from({ length: 2 * jobs }, () => ({ ...mine, job_type: 'export', payload: {} })),
  })
  const take = (limit: number) => ok(url, acquire.path, { ...mine, worker_id, lease_seconds: 600, limit })
  const leased = [await take(jobs / 2), await take(jobs / 2)].flatMap((answer) => Leased.parse(answer).jobs)
  const finish = async () => {
    const job = leased.pop()
    if (!job) return
    const { id, lease_id } = job
    await ok(url, complete.path.replace(':id', String(id)), { worker_id, lease_id, completion_token: lease_id })
  }
  let acts = 0
  const act = () => ok(url, controlQueue.path, { domain, queue: 'acts', action: acts++ % 2 ? 'resume' : 'pause' })
  const [acquired, finished, acted] = await Promise.all([
    measureLatency(callsPerSecond, wait(roundMs), () => take(1)),
    measureLatency(callsPerSecond, wait(roundMs), finish),
    measureLatency(actsPerSecond, wait(roundMs), act),
  ])
  return { acquire: acquired, finish: finished, act: acted }
}

async function ok(url: string, path: string, body: object): Promise<unknown> {
  const { code, sentence, body: answer } = await post(url, { path, body })
  if (code !== 'ok') throw new Error(`${path}: ${code} ${sentence}`)
  return answer
}

const middle = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** Rounds without and beside readers, in turn. */
interface Rounds {
  idle: Latencies[]
  beside: Latencies[]
}

function judge({ idle, beside }: Rounds, action: Action) {
  const [alone, busy] = [middle(idle.map((one) => one[action])), middle(beside.map((one) => one[action]))]
  return { alone, busy, isKept: busy <= Math.max(2 * alone, alone + noiseMs[action]) }
}

function triedOf(rounds: Rounds, action: Action): Tried {
  const { alone, busy, isKept } = judge(rounds, action)
  const sentence = `p99 of ${action} ${busy.toFixed(1)} ms, ${alone.toFixed(1)} ms without them`
  console.log(`${sentence}: ${rounds.idle.length} rounds each`)
  const code = isKept ? 'ok' : 'too_slow'
  return {
    action: sentence,
    outcome: { client: 'HTTP', status: 200, code, sentence, affected: undefined },
    ...{ jobs: 0, changed: 0 },
  }
}

type Readers = Omit<z.input<typeof Looking>, 'url' | 'log'>

/** Measures without readers and beside them, in turn. */
async function compare(stage: Stage, readers: Readers): Promise<Tried[]> {
  const log = await fill(stage)
  const rounds: Rounds = { idle: [], beside: [] }
  const isOver = () => actions.every((action) => judge(rounds, action).isKept)
  await stage.withServer(async ({ url }) => {
    await measure(url, stage.domain())
    for (let round = 1; round <= mostRounds && !(round > fewestRounds && isOver()); round++) {
      rounds.idle.push(await measure(url, stage.domain()))
      const session = await holdLocks(stage)
      try {
        rounds.beside.push(await besideReaders({ url, log, ...readers }, () => measure(url, stage.domain())))
      } finally {
        await session.end()
      }
    }
  })
  await stage.sql`truncate jobs, job_events`
  return actions.map((action) => triedOf(rounds, action))
}

/** Who reads without a pause, beside the streams. */
const readers = { filtered: 12, lists: 4, catchingUp: 4 }

const page = 'docs/deploy/postgresql.md'

export const waits: readonly Scenario[] = [
  {
    trouble: 'twenty slow lists, each again and again',
    promised: { page, sentence: 'the p99 of a finish beside 20 slow lists stays within twice of idle' },
    allowed: ['ok'],
    run: (stage) => compare(stage, { lists: 20 }),
  },
  {
    trouble: 'readers who read as fast as they can, 1,000 idle streams, and a stranger that holds the locks of servers',
    promised: {
      page,
      sentence: 'the p99 of acquire beside such readers and 1,000 idle streams stays within twice of idle',
    },
    allowed: ['ok'],
    run: (stage) => compare(stage, { idle: 1000, ...readers }),
  },
]

/** A figure and no promise: each acquire that is measured is told to 1,000 streams. */
export const waitsBesideTold: readonly Scenario[] = [
  {
    trouble: 'the same readers, and 1,000 streams that get each event',
    promised: { page, sentence: 'beside 1,000 streams that get every event it was' },
    allowed: ['ok', 'too_slow'],
    run: (stage) => compare(stage, { told: 1000, ...readers }),
  },
]
