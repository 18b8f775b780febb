import type { Figure } from '../../figure.ts'
import { duration, measureAlternately } from '../../measure.ts'
import { churned, large, liveRowsOnly } from '../../setup/large.ts'
import { statsPath } from './stats.ts'

/** Finished rows should not slow down stats. */
const finishedRows: Figure = {
  name: 'stats: with 95 % finished rows',
  ...{
    against: 'stats on a table with only the live rows',
    unit: 'ms',
    ratio: 'ours / against',
    target: { atMost: 1.5 },
  },
  async measure(bench) {
    const [{ server }, liveServer] = [await large(bench), await liveRowsOnly(bench)]
    return measureAlternately(
      { rounds: 15 },
      duration(() => server.api.get(statsPath)),
      duration(() => liveServer.api.get(statsPath)),
    )
  },
}

/** Dead row versions of updates since the last vacuum should not slow down stats much. */
const unvacuumed: Figure = {
  name: 'stats: each live row updated three times, no vacuum',
  ...{ against: 'stats before the updates', unit: 'ms', ratio: 'ours / against', target: { atMost: 2 } },
  async measure(bench) {
    const [{ server }, churnedServer] = [await large(bench), await churned(bench)]
    return measureAlternately(
      { rounds: 15 },
      duration(() => churnedServer.api.get(statsPath)),
      duration(() => server.api.get(statsPath)),
    )
  },
}

/** The latency of stats on tables with many rows that stats do not count. */
export const statsGrowth: readonly Figure[] = [finishedRows, unvacuumed]
