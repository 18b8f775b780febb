import type { Figure } from '../figure.ts'
import { inTurn, timed } from '../rounds.ts'
import { churned, large, liveAlone } from '../stage/large.ts'
import { statsPath } from './stats.ts'

/** The finished rows should cost nothing. */
const beside: Figure = {
  name: 'stats: with 95 % finished rows',
  ...{ against: 'itself on the live rows alone', unit: 'ms', ratio: 'ours / against', reach: { atMost: 1.5 } },
  async measure(bench) {
    const [{ server }, alone] = [await large(bench), await liveAlone(bench)]
    return inTurn(
      { rounds: 15 },
      timed(() => server.api.get(statsPath)),
      timed(() => alone.api.get(statsPath)),
    )
  },
}

/** Neither should what workers have written since the last vacuum. */
const unvacuumed: Figure = {
  name: 'stats: all live rows written three times, no vacuum',
  ...{ against: 'itself before', unit: 'ms', ratio: 'ours / against', reach: { atMost: 2 } },
  async measure(bench) {
    const [{ server }, after] = [await large(bench), await churned(bench)]
    return inTurn(
      { rounds: 15 },
      timed(() => after.api.get(statsPath)),
      timed(() => server.api.get(statsPath)),
    )
  },
}

export const statsGrowth: readonly Figure[] = [beside, unvacuumed]
