import { Failure, type Fault } from '../../shared/errors.ts'
import type { ServerContext } from '../call.ts'

/** The path of a field in a request about one job, or about the job at index `at` of many. */
export const fieldOf = (field: string, at: number | undefined): string =>
  at === undefined ? field : `jobs.${at}.${field}`

/**
 * Rejects a request of the right shape that the settings of this server do not allow.
 * @throws Failure `invalid_request` with every fault
 */
export function rejectFaults(faults: readonly Fault[]): void {
  if (faults.length === 0) return
  const first = faults.slice(0, 10).map(({ path, message }) => `${path} ${message}`)
  throw new Failure('invalid_request', `${first.join('; ')}; nothing was changed`, { faults })
}

const defaultLeaseSeconds = 60

/** The length of a lease in seconds; without `requested` 60, or the limit of this server where that is less. */
export const leaseLength = (
  { leaseMaxSeconds }: Pick<ServerContext, 'leaseMaxSeconds'>,
  requested: number | undefined,
): number => requested ?? Math.min(defaultLeaseSeconds, leaseMaxSeconds)

/** One fault at `path` where `requested`, in seconds, is over the limit of this server, which may be below the contract's. */
export function leaseLengthFaults(
  { leaseMaxSeconds }: Pick<ServerContext, 'leaseMaxSeconds'>,
  requested: number | undefined,
  path: string,
): Fault[] {
  if (requested === undefined || requested <= leaseMaxSeconds) return []
  return [{ path, message: `must be at most ${leaseMaxSeconds} on this server (JOBS_LEASE_MAX_SECONDS)` }]
}

/** @throws Failure `too_large` when `value` is more than `most` bytes of JSON; `of` names the value in the message */
export function rejectLarge(value: unknown, { of, most }: { of: string; most: number }): void {
  if (value === undefined || Buffer.byteLength(JSON.stringify(value)) <= most) return
  throw new Failure('too_large', `${of} is larger than ${most} bytes; nothing was changed`, {
    hint: 'store large data elsewhere and send a reference to it; or raise JOBS_MAX_JSON_BYTES',
  })
}
