import fc from 'fast-check'
import { expect, it } from 'vitest'
import { commonScope, type Limits, mayShareJobs } from '../../../server/database/shared-jobs.ts'
import { liesWithin } from '../../../shared/access/token-scope.ts'
import { limits, type Place, places } from '../../support/access/limits.ts'

/** What limits mean, once more, for one job. */
const isOf = ({ within, domain, queue, job_type }: Limits, place: Place): boolean =>
  [
    [domain, place.domain],
    [queue, place.queue],
    [job_type, place.job_type],
  ].every(([wanted, given]) => wanted === undefined || wanted === given) &&
  (within === undefined || liesWithin(within, place))

it('two limits share jobs where there is a place that is of both', () => {
  fc.assert(
    fc.property(limits, limits, (one, other) => {
      const shared = places.some((place) => isOf(one, place) && isOf(other, place))
      expect(mayShareJobs(one, other)).toBe(shared)
      expect(mayShareJobs(other, one)).toBe(shared)
    }),
    { numRuns: 2000 },
  )
})

it('what limits have in common is true of each of their jobs, and as much as there is', () => {
  fc.assert(
    fc.property(limits, (one) => {
      const common = commonScope(one)
      const found = places.filter((place) => isOf(one, place))
      for (const name of ['domain', 'queue', 'job_type'] as const) {
        const values = new Set(found.map((place) => place[name]))
        if (found.length > 0) expect(common[name]).toBe(values.size === 1 ? [...values][0] : undefined)
      }
    }),
    { numRuns: 2000 },
  )
})
