/** The two forms of a date of HTTP that name their time zone: the one of RFC 9110, and the older one of RFC 850. */
const zoned = /^[A-Z][a-z]+, \d\d([ -])[A-Z][a-z]{2}\1\d{2,4} \d\d:\d\d:\d\d GMT$/
/** The form of `asctime`, which is meant as GMT, too. */
const unzoned = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/

/**
 * The whole seconds that a header `Retry-After` asks to wait: a number, or a date in one of the three forms of RFC 9110. Undefined for
 * any other text: `Date.parse` reads `-5`, `0.5` and `1, 3` as times long past, so that the next try would come at once.
 */
export function secondsOf(retryAfter: string | null | undefined): number | undefined {
  const text = retryAfter?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text)
  const at = zoned.test(text) ? Date.parse(text) : unzoned.test(text) ? Date.parse(`${text} GMT`) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}
