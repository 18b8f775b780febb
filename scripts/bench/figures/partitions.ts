import type { Bench } from '../bench.ts'
import type { Figure } from '../figure.ts'
import { duration, measureAlternately, type Side } from '../measure.ts'
import { memoize } from '../memoize.ts'
import { createPartitioned, type Layout, layouts, partitions, prunePartitioned, rows } from '../setup/partitioned.ts'
import { statsPath } from './reads/stats.ts'

const nameOf = (layout?: Layout): string => (layout ? `partitions_by_${layout}` : 'no_partitions')

/** Databases with the same jobs, in one table and in each layout, to which no session is connected. */
const templates = memoize(async (bench: Bench): Promise<void> => {
  bench.logProgress(
    `   inserting ${rows.toLocaleString('en')} jobs into one table, and twice into ${partitions} partitions`,
  )
  for (const layout of [undefined, ...layouts]) await createPartitioned(bench, nameOf(layout), layout)
})

/** Both sides have the same jobs and indexes. */
const compared = { against: 'one table', unit: 'ms', ratio: 'ours / against', target: { atMost: 1.2 } } as const

const stats = (layout: Layout): Figure => ({
  name: `partitions: stats, ${partitions} by ${layout}`,
  ...compared,
  async measure(bench) {
    await templates(bench)
    const [parts, one] = [await bench.serve(nameOf(layout)), await bench.serve(nameOf())]
    const pair = await measureAlternately(
      { rounds: 40, warmUps: 8 },
      duration(() => parts.api.load(statsPath)),
      duration(() => one.api.load(statsPath)),
    )
    await Promise.all([parts.stop(), one.stop()])
    return pair
  },
})

let copies = 0

/** Measures a prune of half of the jobs. Each round has its own copy of the database. */
const pruneOf =
  (bench: Bench, layout?: Layout): Side =>
  async () => {
    await templates(bench)
    const name = `${nameOf(layout)}_${++copies}`
    await bench.create(name, nameOf(layout))
    const server = await bench.serve(name)
    const took = await duration(() => prunePartitioned(server))()
    await server.stop()
    await bench.drop(name)
    return took
  }

const prune = (layout: Layout): Figure => ({
  name: `partitions: prune, ${partitions} by ${layout}`,
  ...compared,
  measure: (bench) => measureAlternately({ rounds: 3, warmUps: 0 }, pruneOf(bench, layout), pruneOf(bench)),
})

/** Stats and prune where `jobs` has partitions. */
export const partitioned: readonly Figure[] = [...layouts.map(stats), ...layouts.map(prune)]
