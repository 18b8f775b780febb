/** The exit codes of `jobsctl`. They are part of the API: codes may be added, and never change. */
export const exits = {
  ok: { code: 0, name: 'ok', when: 'done, or nothing to do' },
  failed: { code: 1, name: 'failed', when: 'server error, unexpected answer, a bug' },
  usage: { code: 2, name: 'usage', when: 'bad flag, value, scope or config' },
  not_confirmed: {
    code: 3,
    name: 'not confirmed',
    when: 'no --yes off a terminal, declined, an approval is missing, a prune that needs --with-foreign-rows, or no tables for records yet',
  },
  auth: { code: 4, name: 'auth', when: '401, 403, no key' },
  not_found: { code: 5, name: 'not found', when: 'no such job, queue, operation, profile' },
  conflict: {
    code: 6,
    name: 'conflict',
    when: 'another run holds the lock; the state changed; frozen; wait: ended otherwise',
  },
  unavailable: {
    code: 7,
    name: 'unavailable',
    when: 'DNS, refused, TLS, timeout, 429 or 503 after the retries',
  },
  over_limit: {
    code: 8,
    name: 'over the limit',
    when: 'more jobs match than --max or the token allows; nothing was changed',
  },
  partial: {
    code: 9,
    name: 'partial',
    when: 'a change stopped half-way; the remaining jobs are unchanged; running it again continues. --fleet: a profile did not answer',
  },
  would_change: { code: 10, name: 'would change', when: 'only with --detailed-exitcode' },
  interrupted: { code: 130, name: 'interrupted', when: 'SIGINT' },
  terminated: { code: 143, name: 'terminated', when: 'SIGTERM' },
} as const

export type Exit = keyof typeof exits
