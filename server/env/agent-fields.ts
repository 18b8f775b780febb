/** What no agent gets, whatever is set: what a worker gets and returns, what proves a lease, and what others wrote in full. */
export const neverGiven: ReadonlySet<string> = new Set([
  ...['payload', 'result', 'error_stack', 'failure_timeline', 'attachments', 'content_text', 'url', 'lease_id'],
  ...['completion_token', 'token', 'secret', 'address', 'sealed', 'body'],
])

/** The names of `JOBS_AGENT_FIELDS`. */
export const agentFieldsOf = (text: string): ReadonlySet<string> =>
  new Set(
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  )

/** Why a text is no value of `JOBS_AGENT_FIELDS`; undefined where it is one. */
export function agentFieldsFault(text: string): string | undefined {
  for (const name of agentFieldsOf(text)) {
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(name))
      return 'must be names of fields such as owner_user_id, separated by commas'
    if (neverGiven.has(name)) return `must not have ${name}, which no agent is given`
  }
  return undefined
}
