/** What the texts name of a scope. This file knows no schema, so that the dashboard can have it. */
interface Named {
  domains: readonly string[]
  queues: readonly { domain: string; queue: string }[]
  job_types: readonly string[]
}

const mostTold = 10

const list = (what: string, names: readonly string[]): string[] => {
  if (names.length === 0) return []
  const rest = names.length - mostTold
  const told = names.slice(0, mostTold).join(', ')
  return [`${what}${names.length === 1 ? '' : 's'} ${told}${rest > 0 ? ` and ${rest} more` : ''}`]
}

const queueText = ({ domain, queue }: { domain: string; queue: string }): string => `${domain}/${queue}`

/** A scope for people: `domain chatbooks, queues tales/print, tales/mail, job type render`. */
export const scopeText = ({ domains, queues, job_types }: Named): string =>
  [...list('domain', domains), ...list('queue', queues.map(queueText)), ...list('job type', job_types)].join(', ') ||
  'nothing that this version of the server knows'
