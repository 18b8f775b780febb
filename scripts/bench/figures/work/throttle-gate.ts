import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { acquireAll, enqueueAll } from '../../load/worker-pool.ts'
import { measureAlternately } from '../../measure.ts'
import { type Captured, capture } from '../../setup/capture.ts'
import { pgbench } from '../../setup/pgbench.ts'
import { truncateTables } from '../../setup/work-database.ts'

const jobs = 2000
const gate = /exists \(select from \S*jobsctl_limits where domain = \$\d+ and queue = \$\d+\)/g

/** @throws Error where the statement does not ask whether its queue is throttled */
function withoutGate({ text, parameters }: Captured): Captured {
  if (text.search(gate) < 0) throw new Error('the statement of an acquire does not ask whether its queue is throttled')
  return { text: text.replaceAll(gate, 'false'), parameters }
}

/**
 * The milliseconds of 2,000 acquires of a queue without a throttle, by the statement of the server and by the same that asks for no throttle.
 * @param isSame true for the second statement on both sides, which shows what the measurement itself differs by
 */
async function measure(bench: Bench, isSame: boolean) {
  const database = `throttle_gate_${isSame}`
  await bench.create(database)
  const sql = bench.sqlOf(database)
  await sql`alter database ${sql(database)} set log_min_duration_statement = 0`
  const server = await bench.serve(database)
  const pool = { apis: [server.api], workers: 1 }
  await enqueueAll(pool, { jobs: 1, batch: 1 })
  const acquire = await capture(sql, () => acquireAll(pool, { jobs: 1, batch: 1 }))
  await server.stop()
  await sql`alter database ${sql(database)} reset log_min_duration_statement`
  const idle = await bench.serve(database)
  const side = (name: string, statement: Captured) => async () => {
    await truncateTables(sql)
    await enqueueAll({ apis: [idle.api], workers: 4 }, { jobs, batch: 100 })
    await sql`vacuum (analyze) jobs`
    const run = { url: bench.urlOf(database), folder: bench.folder, transactions: jobs }
    return (jobs / (await pgbench({ name, ...statement }, run))) * 1000
  }
  const without = withoutGate(acquire)
  const ours = isSame ? side('same', without) : side('gate', acquire)
  const pair = await measureAlternately({ rounds: 9 }, ours, side('no_gate', without))
  await idle.stop()
  return pair
}

/** What acquires of queues without a throttle cost more since there are throttles. */
export const throttleGate: readonly Figure[] = [
  {
    name: 'throttle: acquires of a queue that has none, by pgbench',
    ...{
      against: 'the same SQL that asks for no throttle',
      unit: 'ms',
      ratio: 'ours / against',
      target: { atMost: 1.02 },
    },
    measure: (bench) => measure(bench, false),
  },
  {
    name: 'throttle: acquires by SQL that asks for no throttle, by pgbench',
    ...{ against: 'the same again', unit: 'ms', ratio: 'ours / against', target: { atMost: 1.02 } },
    measure: (bench) => measure(bench, true),
  },
]
