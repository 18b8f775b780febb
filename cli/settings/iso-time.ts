/** A time of ISO 8601 that begins with its year, in UTC; undefined for any other text. */
export function isoTimeOf(text: string): string | undefined {
  const time = Date.parse(text)
  return /^\d{4}-/.test(text) && !Number.isNaN(time) ? new Date(time).toISOString() : undefined
}
