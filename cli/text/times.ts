const form = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/

/**
 * A time of TSV: ISO 8601 in UTC, always with milliseconds, so that columns sort as text. PostgreSQL leaves out zeros at the
 * end of a fraction, and the other server writes a blank for the T. Text that is no such time, `infinity` for example, stays as it is.
 */
export const isoTime = (text: string): string => {
  const at = form.test(text) ? new Date(text.replace(' ', 'T')) : undefined
  return at && !Number.isNaN(at.getTime()) ? at.toISOString() : text
}
