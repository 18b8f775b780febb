import type { Figure } from '../../figure.ts'
import { meanDuration, measureAlternately } from '../../measure.ts'
import { large } from '../../setup/large.ts'

/** When no row breaks an invariant, partial indexes should make the check as cheap as a trivial statement. */
export const integrity: readonly Figure[] = [
  {
    name: 'integrity: dry run, all healthy',
    ...{ against: 'a trivial statement (readyz)', unit: 'ms', ratio: 'ours / against', target: { atMost: 2 } },
    async measure(bench) {
      const { api } = (await large(bench)).server
      const dryRun = () => api.post('/api/v1/jobs/integrity/sweep', { fix: false })
      return measureAlternately(
        { rounds: 15 },
        meanDuration(20, dryRun),
        meanDuration(20, () => api.get('/readyz')),
      )
    },
  },
]
