import type { Figure } from '../figure.ts'
import { inTurn, timedEach } from '../rounds.ts'
import { large } from '../stage/large.ts'

/** On healthy rows it is as good as nothing to do. */
export const integrity: readonly Figure[] = [
  {
    name: 'integrity: dry run, all healthy',
    ...{ against: 'a trivial statement (readyz)', unit: 'ms', ratio: 'ours / against', reach: { atMost: 2 } },
    async measure(bench) {
      const { api } = (await large(bench)).server
      const dryRun = () => api.post('/api/v1/jobs/integrity/sweep', { fix: false })
      return inTurn(
        { rounds: 15 },
        timedEach(20, dryRun),
        timedEach(20, () => api.get('/readyz')),
      )
    },
  },
]
