import type { Endpoint } from '../../shared/endpoint.ts'
import { headerOfDomains, headers } from '../../shared/headers.ts'
import { stoppedQueues } from '../../shared/queues/queues.ts'
import { type Asking, namesItsJobs } from '../endpoints/placed.ts'
import type { Abilities } from '../engines/abilities.ts'

/** Calls about records, and what is kept of all engines together. */
const aboutAll: readonly unknown[] = ['always', 'session', 'records', 'holds', 'plans', 'policy', 'events', 'marks']

/** More domains are not named. */
const mostNamed = 10

/**
 * The headers that say which domains an answer is about, as far as the caller sees them. They name the one domain of the server, or those of other
 * engines that a call about own jobs leaves out.
 */
export function domainHeaders(
  { places: [first, ...others] }: Abilities,
  endpoint: Pick<Endpoint, 'path' | 'forPrograms' | 'ofOperation'> & { verb: unknown },
  { input, within }: Asking,
): Record<string, string> {
  const isSeen = (domain: string) => !within || within.domains.includes(domain)
  if (first?.schema) return others.length === 0 && isSeen(first.schema) ? named(headers.onlyDomain, [first.schema]) : {}
  const isAboutAll = endpoint.ofOperation || aboutAll.includes(endpoint.verb) || endpoint.path === stoppedQueues.path
  if (isAboutAll || endpoint.forPrograms || namesItsJobs(input)) return {}
  return named(
    headers.otherDomains,
    others.flatMap(({ schema }) => (schema && isSeen(schema) ? [schema] : [])),
  )
}

const named = (header: string, domains: readonly string[]): Record<string, string> =>
  domains.length === 0 ? {} : { [header]: headerOfDomains(domains.slice(0, mostNamed)) }
