import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Bench } from '../../bench.ts'
import type { Figure, Pair } from '../../figure.ts'
import { type Latencies, latenciesDuring } from '../../load/enqueue-and-acquire.ts'
import { memoize } from '../../memoize.ts'
import { createDatabase } from '../../setup/create-database.ts'

const database = 'events_over'
const events = 1_000_000

/** Events of jobs that are gone, 40 days old: what 333,333 finished jobs leave. */
const insertOldEvents = (sql: Sql) => sql`
  insert into job_events (job_id, event_type, domain, queue, job_type, attrs_json, created_at)
  select
    1000000000 + i / 3, (array['job.created', 'job.acquired', 'job.completed'])[1 + i % 3],
    'domain' || i % 10, 'queue' || i % 5, 'type' || i % 6, jsonb_build_object('worker_id', 'worker-' || i % 9),
    now() - interval '40 days'
  from generate_series(1, ${events}::int) as i`

const longestMinutes = 20

/**
 * Resolves when the server has deleted the old events.
 * @throws Error when that takes more than 20 minutes
 */
async function untilGone(sql: Sql): Promise<void> {
  const end = performance.now() + longestMinutes * 60_000
  while ((await sql`select from job_events where job_id >= 1000000000 limit 1`).count > 0) {
    if (performance.now() > end) throw new Error(`the old events were not gone after ${longestMinutes} minutes`)
    await wait(500)
  }
}

/** One round: 10 s in which no term is over, then a server whose term is 30 days, until a million events are gone. */
const measureRound = memoize(async (bench: Bench): Promise<{ during: Latencies; idle: Latencies; seconds: number }> => {
  await createDatabase(bench, database)
  const sql = bench.sqlOf(database)
  bench.logProgress(`   inserting ${events.toLocaleString('en')} old events`)
  await insertOldEvents(sql)
  await sql`vacuum (analyze) job_events`
  const before = await bench.serve(database, { JOBS_EVENTS_DAYS: '36500' })
  await latenciesDuring(before, wait(1000))
  const idle = await latenciesDuring(before, wait(10_000))
  await before.stop()
  await sql`checkpoint`
  const server = await bench.serve(database, { JOBS_EVENTS_DAYS: '30' })
  await latenciesDuring(server, wait(1000))
  const began = performance.now()
  const during = await latenciesDuring(server, untilGone(sql))
  const seconds = Math.round((performance.now() - began) / 1000)
  await server.stop()
  await sql.end()
  await bench.drop(database)
  return { during, idle, seconds }
})

const figure = (call: keyof Latencies): Figure => ({
  name: `event log: p99 latency of ${call} while a million events go`,
  ...{ against: 'the same while none goes', unit: 'ms', ratio: 'ours / against', target: { atMost: 3 } },
  async measure(bench): Promise<Pair> {
    const { during, idle, seconds } = await measureRound(bench)
    return {
      ours: [during[call]],
      against: [idle[call]],
      note: `The events were gone about ${seconds} s after the start of the server.`,
    }
  },
})

/** The retention of the event log must not slow down other callers much. */
export const latencyDuringEventSweep: readonly Figure[] = [figure('enqueue'), figure('acquire')]
