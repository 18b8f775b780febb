import { Failure, type Fault } from '../../shared/errors.ts'
import type { Call } from '../call.ts'

/** Where a field stands in a call about one job, or about many. */
export const fieldOf = (field: string, at: number | undefined): string =>
  at === undefined ? field : `jobs.${at}.${field}`

/**
 * What the settings of this server have against an input that has the right shape.
 * @throws Failure `invalid_request` with every fault
 */
export function rejectFaults(faults: readonly Fault[]): void {
  if (faults.length === 0) return
  const said = faults.slice(0, 10).map(({ path, message }) => `${path} ${message}`)
  throw new Failure('invalid_request', `${said.join('; ')}; nothing was changed`, { faults })
}

const usualLease = 60

/** The length of a lease, in seconds, where nothing may have been said of it. */
export const leaseLength = ({ leaseMaxSeconds }: Pick<Call, 'leaseMaxSeconds'>, asked: number | undefined): number =>
  asked ?? Math.min(usualLease, leaseMaxSeconds)

/** A server may allow less than the contract. */
export function leaseLengthFaults(
  { leaseMaxSeconds }: Pick<Call, 'leaseMaxSeconds'>,
  asked: number | undefined,
  path: string,
): Fault[] {
  if (asked === undefined || asked <= leaseMaxSeconds) return []
  return [{ path, message: `must be at most ${leaseMaxSeconds} on this server (JOBS_LEASE_MAX_SECONDS)` }]
}

/** @throws Failure `too_large` when `value` is more than `most` bytes of JSON; `of` names it */
export function rejectLarge(value: unknown, { of, most }: { of: string; most: number }): void {
  if (value === undefined || Buffer.byteLength(JSON.stringify(value)) <= most) return
  throw new Failure('too_large', `${of} is larger than ${most} bytes; nothing was changed`, {
    hint: 'keep what is large elsewhere, and hand over where it is; or raise JOBS_MAX_JSON_BYTES',
  })
}
