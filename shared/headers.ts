import { readSwitch } from './switch.ts'

/** The headers of the API, as both programs write them. */
export const headers = {
  confirm: 'X-Confirm',
  reason: 'X-Reason',
  /** Goes past the approval that a change needs; it takes a right of its own, and a reason. */
  emergency: 'X-Emergency',
  requestId: 'X-Request-Id',
  /** A request with the same key and body is the same change: it is made once, and each request gets the same response. */
  idempotencyKey: 'Idempotency-Key',
  /** Where there may be more events: the id to go on with, as `after_id`, or as `before_id` in a read from the end. */
  nextAfter: 'X-Next-After',
  /** The domain of all jobs, percent-encoded, where a server has those of one schema of another engine and no others. */
  onlyDomain: 'X-Only-Domain',
  /**
   * Domains of other engines, percent-encoded and separated by commas, at most 10: where they are served beside own jobs, and the call names no
   * domain, so that the answer is about own jobs alone.
   */
  otherDomains: 'X-Other-Domains',
  /** `true` from a caller that takes an answer of a few seconds ago, so that a replica may give it. */
  staleOk: 'X-Stale-Ok',
  /** Where a read was made: `primary` or `replica`. Servers without a replica do not send it. */
  readFrom: 'X-Read-From',
  /** With `X-Read-From`: a time, and everything that was committed before it is in the answer. ISO 8601 in UTC. */
  asOf: 'X-As-Of',
} as const

/** The value of `X-Only-Domain` and of `X-Other-Domains`. */
export const headerOfDomains = (domains: readonly string[]): string => domains.map(encodeURIComponent).join()

/** The domains that such a header names; none where it is not sent. */
export const domainsInHeader = (value: string | undefined): string[] => value?.split(',').map(decoded) ?? []

/** A name of a header without its percent signs. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** The preference of a small response, as `Prefer` has it and `Preference-Applied` repeats it. */
export const returnMinimal = 'return=minimal'

/** True when the value of `Prefer` (RFC 7240) asks for a small response. */
export const prefersMinimal = (value: string | undefined): boolean =>
  (value ?? '').split(',').some((preference) => /^\s*return\s*=\s*"?minimal"?\s*(;|$)/i.test(preference))

/** The preference of a response before the change has ended, as `Prefer` has it and `Preference-Applied` repeats it. */
export const respondAsync = 'respond-async'

/** True when the value of `Prefer` (RFC 7240) asks for a response before the change has ended. */
export const prefersAsync = (value: string | undefined): boolean =>
  (value ?? '').split(',').some((preference) => /^\s*respond-async\s*(;|$)/i.test(preference))

/** The media type of a response with progress lines. */
export const ndjson = 'application/x-ndjson'

/** The longest reason, in characters. */
export const maxReasonLength = 500

/** True when the value of `X-Confirm` confirms the change. */
export const isConfirmed = (value: string | undefined): boolean => value !== undefined && readSwitch(value) === true
