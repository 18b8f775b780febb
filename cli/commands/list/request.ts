import { Failure } from '../../../shared/errors.ts'
import { type FilterFlags, filterFlags, filterOf } from '../../settings/flags/filter-flags.ts'
import { type Flag, flagsIn, watchFlag } from '../../settings/flags/flag.ts'
import { mustExistFlag, scopeFlags } from '../../settings/flags/scope-flags.ts'
import type { Settings } from '../../settings/settings.ts'
import { staleFlag } from '../../stale-reads.ts'

export interface ListFlags extends FilterFlags {
  sort?: string
  limit?: string
  ids?: boolean
  allPages?: boolean
  payload?: boolean
  raw?: boolean
  mustExist?: boolean
  watch?: boolean
  staleOk?: boolean
}

/** The flags of `jobsctl list`. */
export const listFlags: readonly Flag[] = [
  ...scopeFlags,
  ...filterFlags.map((flag) =>
    flag.flags.startsWith('--status ') ? { ...flag, values: [...(flag.values ?? []), 'unmapped'] } : flag,
  ),
  mustExistFlag,
  ...flagsIn('HOW', {
    '--sort <field>': {
      about: 'created_at, priority, status, completed_at, ended_at; or x:desc',
      values: ['created_at', 'priority', 'status', 'completed_at', 'ended_at'],
    },
    '--limit <n>': 'at most this number of jobs, 1 to 1000 (default: 100)',
    '--ids': 'print the ids alone, one a line',
    '--all-pages': 'all jobs, a line of JSON each, or TSV with --tsv',
    '--payload': 'with JSON or NDJSON: the payload too, by a call for each job',
    '--raw': 'with --payload: do not mask values that look secret',
  }),
  staleFlag,
  watchFlag,
]

/** The request that the flags name. */
export const listRequest = (
  flags: ListFlags,
  { columns = '', template = '' }: Partial<Pick<Settings, 'columns' | 'template'>> = {},
): Record<string, string> => ({
  ...filterOf(flags),
  ...(/\berror(_message)?\b/.test(`${columns} ${template}`) && { errors: 'true' }),
  ...sortOf(flags.sort),
  limit: flags.allPages ? '1000' : String(limitOf(flags.limit)),
})

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
