/** The headers that carry meaning beside the body, as both programs spell them. */
export const headers = {
  confirm: 'X-Confirm',
  reason: 'X-Reason',
  requestId: 'X-Request-Id',
  /** The same key and body mean the same change: it is made once, and answered alike. */
  idempotencyKey: 'Idempotency-Key',
} as const

/** The media type of an answer that tells how far a change has come, line by line. */
export const ndjson = 'application/x-ndjson'

/** The longest reason that is kept, in characters. */
export const maxReasonLength = 500

/** True for the values of `X-Confirm` that mean yes. */
export const isConfirmed = (value: string | undefined): boolean =>
  ['true', '1', 'yes', 'on'].includes(value?.trim().toLowerCase() ?? '')
