import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { acquireAll, enqueueAll } from '../../load/worker-pool.ts'
import { measureAlternately } from '../../measure.ts'
import { type Captured, capture } from '../../setup/capture.ts'
import { prepare } from '../../setup/processor-time.ts'
import { truncateTables } from '../../setup/work-database.ts'

/** Acquires of a round, for each side. */
const acquires = 200
const rounds = 81
const gate = /exists \(select from \S*jobsctl_limits where domain = \$\d+ and queue = \$\d+\)/g

/** @throws Error where the statement does not ask whether its queue is throttled */
function withoutGate({ text, parameters }: Captured): Captured {
  if (text.search(gate) < 0) throw new Error('the statement of an acquire does not ask whether its queue is throttled')
  return { text: text.replaceAll(gate, 'false'), parameters }
}

/**
 * The processor time of PostgreSQL for acquires of a queue without a throttle, by the statement of the server and by the same that asks for no
 * throttle. By the clock, two runs of the same statement differ by more than the limit.
 * @param isSame true for the second statement on both sides, which shows what the measurement itself differs by
 */
async function measure(bench: Bench, isSame: boolean) {
  const database = `throttle_gate_${isSame}`
  await bench.create(database)
  const sql = bench.sqlOf(database)
  await sql`alter database ${sql(database)} set log_min_duration_statement = 0`
  const server = await bench.serve(database)
  const pool = { apis: [server.api], workers: 4 }
  await enqueueAll(pool, { jobs: 1, batch: 1 })
  const acquire = await capture(sql, () => acquireAll({ ...pool, workers: 1 }, { jobs: 1, batch: 1 }))
  await truncateTables(sql)
  // Every round finds as many jobs in front of its own as the one before left behind.
  await enqueueAll(pool, { jobs: (rounds + 10) * 2 * acquires, batch: 1000 })
  await server.stop()
  await sql`alter database ${sql(database)} reset log_min_duration_statement`
  await sql`vacuum (analyze)`
  const without = withoutGate(acquire)
  const ours = await prepare(bench.sqlOf(database), 'ours', isSame ? without : acquire)
  const against = await prepare(bench.sqlOf(database), 'against', without)
  return measureAlternately(
    { rounds, warmUps: 5 },
    () => ours.run(acquires),
    () => against.run(acquires),
  )
}

/** What acquires of queues without a throttle cost more since there are throttles. */
export const throttleGate: readonly Figure[] = [
  {
    name: 'throttle: processor time of acquires of a queue that has none',
    ...{
      against: 'the same SQL that asks for no throttle',
      unit: 'ms',
      ratio: 'ours / against',
      target: { atMost: 1.02 },
    },
    measure: (bench) => measure(bench, false),
  },
  {
    name: 'throttle: processor time of acquires by SQL that asks for no throttle',
    ...{ against: 'the same again', unit: 'ms', ratio: 'ours / against', target: { atMost: 1.02 } },
    measure: (bench) => measure(bench, true),
  },
]
