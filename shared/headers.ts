/** The headers that carry meaning beside the body, as both programs spell them. */
export const headers = {
  confirm: 'X-Confirm',
  reason: 'X-Reason',
  requestId: 'X-Request-Id',
  /**
   * The reference time of an answer to a dry run. A change that sends it back runs with that
   * time, so that what merely grows old meanwhile does not join the set. A server that answers
   * a dry run without it is not ours, and knows no `max`.
   */
  asOf: 'X-As-Of',
} as const

/** The longest reason that is kept, in characters. */
export const maxReasonLength = 500

/** True for the values of `X-Confirm` that mean yes. */
export const isConfirmed = (value: string | undefined): boolean =>
  ['true', '1', 'yes', 'on'].includes(value?.trim().toLowerCase() ?? '')
