/** What stands in place of a value that is masked. */
export const mask = '[redacted]'
