import { Failure } from '../../shared/errors.ts'
import type { Call } from './call.ts'

/** @throws Failure `invalid_request` for a lease that is longer than this server allows */
export function refuseLongLease({ leaseMaxSeconds }: Pick<Call, 'leaseMaxSeconds'>, seconds: number): void {
  if (seconds <= leaseMaxSeconds) return
  const message = `must be at most ${leaseMaxSeconds} on this server (JOBS_LEASE_MAX_SECONDS)`
  throw new Failure('invalid_request', `lease_seconds ${message}; nothing was changed`, {
    hint: 'a shorter lease can be renewed for as long as the job runs',
    faults: [{ path: 'lease_seconds', message }],
  })
}
