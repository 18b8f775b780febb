import { Failure } from '../../shared/errors.ts'
import type { ListedJob } from '../../shared/jobs/list.ts'
import type { CommandSpec } from '../command.ts'
import { curlOf } from '../curl.ts'
import { ago } from '../output/ago.ts'
import { isoTime } from '../output/iso-time.ts'
import { groupedDigits } from '../output/numbers.ts'
import type { Column } from '../output/table.ts'
import { describeScope, mustExistFlag, type ScopeFlags, scopeFlags, scopeOf } from '../settings/scope-flags.ts'

interface ListFlags extends ScopeFlags {
  status?: string
  owner?: string
  batch?: string
  worker?: string
  errorCode?: string
  error?: string
  minRetries?: string
  stale?: boolean
  sort?: string
  limit?: string
  ids?: boolean
  mustExist?: boolean
}

const which = 'WHICH JOBS'

export const list: CommandSpec<ListFlags> = {
  name: 'list',
  group: 'READ',
  summary: 'jobs that match a filter, the newest first',
  about: 'Lists jobs, the newest first. Every flag narrows the list. Payloads and results are not shown.',
  examples: [
    'jobsctl list --domain chatbooks --status failed,quarantined',
    'jobsctl list --stale',
    'jobsctl list --domain chatbooks --error timeout --sort priority:desc --limit 20',
    'jobsctl list --domain chatbooks --status quarantined --ids',
  ],
  flags: [
    ...scopeFlags,
    { flags: '--status <states>', about: 'in one of these states, separated by commas', group: which },
    { flags: '--owner <id>', about: 'of this owner', group: which },
    { flags: '--batch <group>', about: 'of this batch group', group: which },
    { flags: '--worker <id>', about: 'leased by this worker, or last leased by it', group: which },
    { flags: '--error-code <code>', about: 'whose last error has this code', group: which },
    { flags: '--error <text>', about: 'whose last error message has this text', group: which },
    { flags: '--min-retries <n>', about: 'retried at least so many times', group: which },
    { flags: '--stale', about: 'running, with an expired lease', group: which },
    mustExistFlag,
    {
      flags: '--sort <field>',
      about: 'created_at, priority, status, completed_at, ended_at; or x:desc',
      group: 'HOW',
    },
    { flags: '--limit <n>', about: 'so many at most, 1 to 1000 (default: 100)', group: 'HOW' },
    { flags: '--ids', about: 'print the ids alone, one a line', group: 'HOW' },
  ],
  async run(context, flags) {
    const { listJobs: endpoint } = await import('../../shared/jobs/list.ts')
    const { parseInput } = await import('../settings/flag-errors.ts')
    const { settings, print } = context
    const scope = scopeOf(flags)
    const request = { ...scope, ...filterOf(flags), ...sortOf(flags.sort), limit: String(limitOf(flags.limit)) }
    parseInput(endpoint.input, request)
    if (settings.curl) {
      print.text(curlOf(context, endpoint, request))
      return 'ok'
    }
    const client = await context.client()
    const { body, raw, header } = await client.call(endpoint, request)
    const isComplete = header('x-complete') !== 'false'
    if (body.length === 0 && isComplete && (flags.mustExist || print.forPeople)) {
      const { noteUnknownScope, refuseUnknownScope } = await import('../queues/known-scope.ts')
      if (flags.mustExist) await refuseUnknownScope(client, scope)
      else await noteUnknownScope(context, scope)
    }
    const empty = isComplete ? `no job matches in ${describeScope(scope)}` : 'no job was found so far'
    // Without the head of a table: the ids are read by programs, also where JOBSCTL_OUTPUT asks for tables.
    if (flags.ids && print.forPeople && body.length > 0) print.result(body.map((job) => `${job.id}\n`).join(''))
    else if (flags.ids) print.rows({ columns: [id], rows: body, json: body.map((job) => job.id), empty })
    else print.rows({ columns, forPeople, rows: body, json: raw, empty })
    if (!isComplete) print.aside(incomplete(header('x-scanned')))
    else if (print.forPeople && header('link')?.includes('rel="next"')) {
      print.aside(`\nthe first ${body.length} jobs; narrow the filter, or raise --limit (1000 at most)`)
    }
    return 'ok'
  },
}

/** The note of a search that the server ended early: jobs that match may be missing. */
const incomplete = (scanned: string | undefined): string =>
  `note: the server compared ${groupedDigits(Number(scanned ?? 0))} jobs and stopped, so jobs that match may be missing; narrow the list with --domain, --queue or --status`

/** The flags of the filter as fields of the request. */
function filterOf({ status, owner, batch, worker, errorCode, error, minRetries, stale }: ListFlags) {
  const fields = { status, owner_user_id: owner, batch_group: batch, worker_id: worker, error_code: errorCode, error }
  const given = { ...fields, min_retries: minRetries, ...(stale && { stale: 'true' }) }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

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

const text = (value: string | null | undefined): string => value ?? ''
/** An id is text, since digits of an id are not grouped. */
const id: Column<ListedJob> = { title: 'id', value: (job) => String(job.id), gives: 'never' }
const status: Column<ListedJob> = {
  title: 'status',
  value: (job) => job.status,
  paint: ({ status }) => colourOf(status),
}

/** The columns of TSV: the fields of the API in their order. */
const columns: Column<ListedJob>[] = [
  id,
  { title: 'uuid', value: ({ uuid }) => text(uuid) },
  { title: 'domain', value: ({ domain }) => domain },
  { title: 'queue', value: ({ queue }) => queue },
  { title: 'job_type', value: ({ job_type }) => job_type },
  status,
  { title: 'priority', value: ({ priority }) => text(priority?.toString()) },
  { title: 'retry_count', value: ({ retry_count }) => text(retry_count?.toString()) },
  { title: 'max_retries', value: ({ max_retries }) => text(max_retries?.toString()) },
  ...(['available_at', 'created_at', 'acquired_at', 'started_at', 'leased_until', 'completed_at'] as const).map(
    (name): Column<ListedJob> => ({ title: name, value: (job) => isoTime(text(job[name])) }),
  ),
  ...(['owner_user_id', 'batch_group', 'error_code', 'worker_id'] as const).map(
    (name): Column<ListedJob> => ({ title: name, value: (job) => text(job[name]) }),
  ),
]

const forPeople: Column<ListedJob>[] = [
  id,
  { title: 'queue', value: ({ domain, queue }) => `${domain}/${queue}`, gives: 'never' },
  { title: 'type', value: ({ job_type }) => job_type },
  status,
  { title: 'prio', value: ({ priority }) => text(priority?.toString()), gives: 'never' },
  {
    title: 'retries',
    value: ({ retry_count, max_retries }) => `${retry_count ?? 0}/${max_retries ?? '-'}`,
    gives: 'never',
  },
  { title: 'created', value: ({ created_at }) => (created_at ? ago(created_at) : ''), gives: 'never' },
  { title: 'error', value: ({ error_code }) => text(error_code), gives: 'first' },
  { title: 'worker', value: ({ worker_id }) => text(worker_id), gives: 'first' },
]

function colourOf(state: string): 'red' | 'yellow' | 'green' | undefined {
  if (state === 'failed' || state === 'quarantined') return 'red'
  if (state === 'cancelled') return 'yellow'
  return state === 'completed' ? 'green' : undefined
}
