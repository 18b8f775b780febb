/** A scope as calls have it: a field that is absent or null is not narrowed. */
interface OptionalScope {
  domain?: string | null | undefined
  queue?: string | null | undefined
  job_type?: string | null | undefined
}

/** `chatbooks`, `chatbooks/default export`; `all domains` where neither domain nor queue is named. */
export function scopeName({ domain, queue, job_type }: OptionalScope, everywhere = 'all domains'): string {
  const scope = queue ? `${domain ?? '*'}/${queue}` : (domain ?? everywhere)
  return job_type ? `${scope} ${job_type}` : scope
}

const or = (words: readonly string[]): string => new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(words)

/** `--queue or --status`: those of the filters that a command does not have yet; empty where it has all of them. */
export const lackingFilters = (filters: Readonly<Record<string, string | undefined>>): string =>
  or(Object.keys(filters).filter((name) => filters[name] === undefined))
