import { escaped } from '../../../shared/text/escape.ts'
import { flagWords } from '../../../shared/text/shell.ts'
import { type Flag, flagsIn } from './flag.ts'
import { describeScope, type ScopeFlags, scopeOf, scopeOfChange, scopeWords } from './scope-flags.ts'

/** The flags of the filter that reading and changing share. */
export interface FilterFlags extends ScopeFlags {
  status?: string
  owner?: string
  batch?: string
  worker?: string
  errorCode?: string
  error?: string
  cluster?: string
  minRetries?: string
  stale?: boolean
  createdAfter?: string
  createdBefore?: string
  endedAfter?: string
  endedBefore?: string
}

const group = 'FILTER'

/** The flags beside those of the scope. The help of a command names them, and `jobsctl help filter` explains them. */
export const filterFlags: readonly Flag[] = [
  ...flagsIn(group, {
    '--status <states>': {
      about: 'in one of these states, separated by commas',
      values: ['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined'],
    },
    '--owner <id>': 'of this owner',
    '--batch <group>': 'of this batch group',
    '--worker <id>': 'leased by this worker, or last leased by it',
    '--error-code <code>': 'whose last error has this code',
    '--error <text>': 'whose last error message has this text',
    '--cluster <id>': 'of this cluster of jobsctl clusters; 4 digits of the id do',
    '--min-retries <n>': 'retried at least this number of times',
    '--stale': 'running, with an expired lease',
    '--created-after <time>': {
      about: 'created at this time or later: ISO 8601, a day, 2h for 2 h ago, or mark:<text>',
      time: 'past',
    },
    '--created-before <time>': { about: 'before such a time', time: 'past' },
    '--ended-after <time>': { about: 'ended since such a time', time: 'past' },
    '--ended-before <time>': { about: 'ended before such a time', time: 'past' },
  }),
]

/** The fields of `JobFilter` on the wire, as texts. */
export type FilterFields = Record<string, string>

/** The filter that the flags name, as fields of a request. A flag with a blank value was refused before. */
export function filterOf(flags: FilterFlags): FilterFields {
  const { status, owner, batch, worker, errorCode, error, cluster, minRetries, stale } = flags
  const texts = { status, owner_user_id: owner, batch_group: batch, worker_id: worker, error_code: errorCode, error }
  return present({
    ...scopeOf(flags),
    ...texts,
    cluster,
    min_retries: minRetries,
    stale: stale ? 'true' : undefined,
    created_after: flags.createdAfter,
    created_before: flags.createdBefore,
    ended_after: flags.endedAfter,
    ended_before: flags.endedBefore,
  })
}

const present = (fields: Record<string, string | undefined>): FilterFields =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

/** The flag of each field of the filter. */
export const flagOfField: ReadonlyMap<string, string> = new Map([
  ['status', '--status'],
  ['owner_user_id', '--owner'],
  ['batch_group', '--batch'],
  ['worker_id', '--worker'],
  ['error_code', '--error-code'],
  ['error', '--error'],
  ['cluster', '--cluster'],
  ['min_retries', '--min-retries'],
  ['created_after', '--created-after'],
  ['created_before', '--created-before'],
  ['ended_after', '--ended-after'],
  ['ended_before', '--ended-before'],
])

/** The fields of the filter that a flag sets. */
export const filterNames: ReadonlySet<string> = new Set(['domain', 'queue', 'job_type', 'stale', ...flagOfField.keys()])

/** The filter as words of a command line. */
export const filterWords = (filter: FilterFields, all = false): string[] => [
  ...scopeWords(filter, all),
  ...[...flagOfField].flatMap(([field, flag]) =>
    filter[field] === undefined ? [] : flagWords(flag, String(filter[field])),
  ),
  ...(filter.stale === undefined ? [] : ['--stale']),
]

/** The filter in a sentence: `chatbooks`, `chatbooks/default export with --owner alice --stale`. */
export function describeFilter(filter: FilterFields): string {
  const { domain: _d, queue: _q, job_type: _t, ...rest } = filter
  const words = filterWords(rest)
  return words.length === 0 ? describeScope(filter) : `${describeScope(filter)} with ${escaped(words.join(' '))}`
}

export interface ScopedFilterFlags extends Omit<FilterFlags, 'status'> {
  mustExist?: boolean
}

/** The flags of the filter for changes whose own flags say which states they take. */
export const scopedFilterFlags: readonly Flag[] = filterFlags.filter(({ flags }) => !flags.startsWith('--status '))

/**
 * The fields of a change that needs a scope and takes a filter beside it, and its words on the command line.
 * @throws Failure `usage` for a change without a scope
 */
export function scopedFilterOf({ all, ...flags }: ScopedFilterFlags) {
  const { status: _, ...narrowing }: FilterFlags = flags
  const scope = scopeOfChange({ ...flags, ...(all && { all }) })
  const fields = filterOf(narrowing)
  return { scope, fields, words: filterWords(fields, all) }
}
