const httpDate = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/

/**
 * The whole seconds that a header `Retry-After` asks to wait: a number, or a date in the form that RFC 9110 has servers send. Undefined for
 * any other text: `Date.parse` reads `-5`, `0.5` and `1, 3` as times long past, so that the next try would come at once.
 */
export function secondsOf(retryAfter: string | null | undefined): number | undefined {
  const text = retryAfter?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text)
  const at = httpDate.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}
