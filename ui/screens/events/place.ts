import type { Scope } from '../../../shared/scope.ts'
import { wordsOfFlags } from '../../../shared/text/shell.ts'
import type { Filter, FilterField } from '../../parts/filter-words.ts'
import { addressOf } from '../../state/address.ts'

/** What the screen of events shows: what its address says, with the words of the flags of `jobsctl events`. */
export interface Shown {
  scope: Scope
  /** After the event with this id. */
  after: string | undefined
  /** Since a time, as `jobsctl events --since` takes it: `1h`. */
  since: string | undefined
  /** The last ones before the event with this id. */
  before: string | undefined
  /** How many events a page has, and how many of the last ones a tail begins with. */
  limit: string | undefined
  /** True while new events are shown as they come. */
  follows: boolean
}

export const names = ['domain', 'queue', 'job_type', 'after', 'since', 'before', 'limit', 'follow'] as const

/** Without a place in the log, the last events are followed. */
export function shownIn(params: URLSearchParams): Shown {
  const [domain, queue, job_type, after, since, before, limit] = names.map((name) => params.get(name) || undefined)
  const follows = params.get('follow') === 'true' || (after ?? since ?? before) === undefined
  return { scope: { domain, queue, job_type }, after, since, before, limit, follows }
}

/** The address of other events with the same filter. */
export const addressOfEvents = (
  { scope }: Pick<Shown, 'scope'>,
  place: { after?: number; before?: number; limit?: string | undefined; follow?: true } = {},
): string => {
  const texts = Object.entries(place).map(([name, value]) => [name, value === undefined ? undefined : String(value)])
  return addressOf('/events', { ...scope, ...Object.fromEntries(texts) })
}

export const filterFields: readonly FilterField[] = [
  { name: 'domain', label: 'Domain' },
  { name: 'queue', label: 'Queue' },
  { name: 'job_type', label: 'Job type', also: ['type'] },
  { name: 'after', label: 'After the id' },
  { name: 'before', label: 'Before the id' },
  { name: 'since', label: 'Since' },
  { name: 'limit', label: 'At most' },
]

/** The fields of the filter that are set. */
export const filterOf = ({ scope, after, before, since, limit }: Shown): Filter => ({
  ...scope,
  after,
  before,
  since,
  limit,
})

/** The command that prints the same; undefined where `jobsctl` has no flag for the place. */
export function commandOf({ scope, after, since, before, limit, follows }: Shown): string[] | undefined {
  if (before !== undefined) return undefined
  const flags = { '--domain': scope.domain, '--queue': scope.queue, '--job-type': scope.job_type }
  const place = { '--after': after, '--since': since, '--limit': follows && after !== undefined ? undefined : limit }
  const words = wordsOfFlags({ ...flags, ...place })
  return ['jobsctl', 'events', ...words, ...(follows ? ['--follow'] : [])]
}
