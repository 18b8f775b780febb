import { Failure, type Fault } from '../../shared/errors.ts'
import type { Call } from './call.ts'

/** Where a field stands in a call about one job, or about many. */
export const fieldOf = (field: string, at: number | undefined): string =>
  at === undefined ? field : `jobs.${at}.${field}`

/**
 * What the settings of this server have against an input that has the right shape.
 * @throws Failure `invalid_request` with every fault
 */
export function refuse(faults: readonly Fault[]): void {
  if (faults.length === 0) return
  const said = faults.slice(0, 10).map(({ path, message }) => `${path} ${message}`)
  throw new Failure('invalid_request', `${said.join('; ')}; nothing was changed`, { faults })
}

/** A lease may be shorter than the contract allows. */
export function leaseFaults(
  { leaseMaxSeconds }: Pick<Call, 'leaseMaxSeconds'>,
  seconds: number,
  path: string,
): Fault[] {
  if (seconds <= leaseMaxSeconds) return []
  return [{ path, message: `must be at most ${leaseMaxSeconds} on this server (JOBS_LEASE_MAX_SECONDS)` }]
}
