import { Failure } from '../../shared/errors.ts'
import type { Flag } from '../settings/flag.ts'
import { pastTime } from '../settings/past-time.ts'
import { mustExistFlag, type ScopeFlags, scopeFlags, scopeOf } from '../settings/scope-flags.ts'

export interface ListFlags extends ScopeFlags {
  status?: string
  owner?: string
  batch?: string
  worker?: string
  errorCode?: string
  error?: string
  minRetries?: string
  stale?: boolean
  createdAfter?: string
  createdBefore?: string
  endedAfter?: string
  endedBefore?: string
  sort?: string
  limit?: string
  columns?: string
  ids?: boolean
  allPages?: boolean
  mustExist?: boolean
}

const which = 'WHICH JOBS'

/** The flags of `jobsctl list`. */
export const listFlags: readonly Flag[] = [
  ...scopeFlags,
  { flags: '--status <states>', about: 'in one of these states, separated by commas', group: which },
  { flags: '--owner <id>', about: 'of this owner', group: which },
  { flags: '--batch <group>', about: 'of this batch group', group: which },
  { flags: '--worker <id>', about: 'leased by this worker, or last leased by it', group: which },
  { flags: '--error-code <code>', about: 'whose last error has this code', group: which },
  { flags: '--error <text>', about: 'whose last error message has this text', group: which },
  { flags: '--min-retries <n>', about: 'retried at least so many times', group: which },
  { flags: '--stale', about: 'running, with an expired lease', group: which },
  { flags: '--created-after <time>', about: 'since 2026-01-31, 2026-01-31T12:00:00Z, or 2h ago', group: which },
  { flags: '--created-before <time>', about: 'before such a time', group: which },
  { flags: '--ended-after <time>', about: 'ended since such a time', group: which },
  { flags: '--ended-before <time>', about: 'ended before such a time', group: which },
  mustExistFlag,
  {
    flags: '--sort <field>',
    about: 'created_at, priority, status, completed_at, ended_at; or x:desc',
    group: 'HOW',
  },
  { flags: '--limit <n>', about: 'so many at most, 1 to 1000 (default: 100)', group: 'HOW' },
  { flags: '--columns <names>', about: 'these fields of the API, separated by commas', group: 'HOW' },
  { flags: '--ids', about: 'print the ids alone, one a line', group: 'HOW' },
  { flags: '--all-pages', about: 'all jobs, a line of JSON each, or TSV with -o tsv', group: 'HOW' },
]

/** The request that the flags name. */
export const listRequest = (flags: ListFlags): Record<string, string> => ({
  ...present({ ...scopeOf(flags) }),
  ...filterOf(flags),
  ...timesOf(flags),
  ...sortOf(flags.sort),
  limit: flags.allPages ? '1000' : String(limitOf(flags.limit)),
})

/** The flags of the filter as fields of the request. */
function filterOf({ status, owner, batch, worker, errorCode, error, minRetries, stale }: ListFlags) {
  const fields = { status, owner_user_id: owner, batch_group: batch, worker_id: worker, error_code: errorCode, error }
  return present({ ...fields, min_retries: minRetries, stale: stale ? 'true' : undefined })
}

function timesOf({ createdAfter, createdBefore, endedAfter, endedBefore }: ListFlags) {
  const time = (text: string | undefined, flag: string) => (text === undefined ? undefined : pastTime(text, flag))
  return present({
    created_after: time(createdAfter, '--created-after'),
    created_before: time(createdBefore, '--created-before'),
    ended_after: time(endedAfter, '--ended-after'),
    ended_before: time(endedBefore, '--ended-before'),
  })
}

const present = (fields: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

function limitOf(text = '100'): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= 1000) return limit
  throw new Failure('usage', '--limit: must be a number from 1 to 1000')
}

/** `priority` sorts up, `priority:desc` sorts down. */
function sortOf(text = 'created_at:desc') {
  const [, field = text, order = 'asc'] = /^(.*?)(?::(asc|desc))?$/.exec(text) ?? []
  return { sort_by: field, sort_order: order }
}
