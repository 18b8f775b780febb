/** Why an answer differs from that of the other server, by the page that says so. */
export const rules = {
  strict:
    'an unknown field, a wrong type or a value out of range is 422: a filter that is misspelt must not mean everything',
  confirmed: 'a change of many jobs needs X-Confirm unless it is a dry run',
  scoped: 'a change of many jobs needs a scope or another filter',
  faults: 'the status codes of faults are those of the contract',
  bounded: 'reads are bounded in rows, and come in pages',
  existing: 'what is attached to a job needs a job',
  secret: 'what proves who holds a job is shown to nobody else',
  keyless: 'this server keeps no keys',
} as const
export type Rule = keyof typeof rules
