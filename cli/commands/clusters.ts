import type { z } from 'zod'
import { Failure } from '../../shared/errors.ts'
import type { Cluster, ExpiredLeases, failureClusters as endpoint, NotRead } from '../../shared/jobs/clusters.ts'
import { flagWords } from '../../shared/text/shell.ts'
import { ago } from '../../shared/times/time-and-size.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec, Context } from '../context.ts'
import { noteUnknownScope } from '../guard/known-scope.ts'
import type { Column } from '../output/table.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import {
  allFlag,
  describeAnyOf,
  type ScopeFlags,
  scopeFlags,
  scopeOf,
  scopeWords,
} from '../settings/flags/scope-flags.ts'
import { refuseEmptyRange } from '../settings/moment.ts'
import { groupedDigits } from '../text/numbers.ts'
import { lackingFilters } from '../text/scope-text.ts'
import { isoTime } from '../text/times.ts'

interface ClustersFlags extends ScopeFlags {
  status?: string
  since?: string
  until?: string
  limit?: string
}

export const clusters: CommandSpec<ClustersFlags> = {
  name: 'clusters',
  group: 'READ',
  summary: 'failures by what they have in common',
  about:
    'Groups failures by state, error code and the pattern of the message, in which texts, addresses, paths and numbers are folded. The id of a cluster is a filter of list and of changes.',
  examples: [
    'jobsctl clusters --since 1h',
    'jobsctl clusters --domain chatbooks --status quarantined',
    'jobsctl clusters --since "mark:deploy 4711" --json',
  ],
  fleet: true,
  flags: [
    ...scopeFlags,
    allFlag,
    ...flagsIn('WHICH JOBS', {
      '--status <state>': {
        about: 'failed, quarantined, or retrying: queued after a failure',
        values: ['failed', 'quarantined', 'retrying'],
      },
      '--since <time>': { about: 'failed since a time of ISO 8601, 2h for 2 h ago, or mark:<text>', time: 'past' },
      '--until <time>': { about: 'failed before such a time', time: 'past' },
    }),
    { flags: '--limit <n>', about: 'at most this number of clusters, 1 to 1000 (default: 100)', group: 'HOW' },
  ],
  rows: () => columns,
  async run(context, flags) {
    const { failureClusters: endpoint } = await import('../../shared/jobs/clusters.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    const request = requestOf(flags)
    parseInput(endpoint.input, request)
    refuseEmptyRange(request)
    const answer = await answerOf(context, endpoint, request)
    if (!answer) return 'ok'
    const { body, raw, header } = answer
    const { clusters: rows, expired_leases: leases, not_read: notRead = [] } = body
    const isComplete = header('x-complete') !== 'false' && notRead.length === 0
    await show(context, { flags, rows, leases, isComplete, raw })
    if (header('x-complete') === 'false') context.print.aside(incomplete(body, header('x-scanned'), request))
    for (const part of notRead) context.print.aside(olderText(context, flags, part))
    return 'ok'
  },
}

/** @throws Failure `usage` for a blank value: a variable that a script forgot to set must not mean everything */
function requestOf(flags: ClustersFlags): Record<string, string> {
  const { status, since, until, limit } = flags
  for (const [name, value] of Object.entries({ status, limit })) {
    if (value?.trim() === '') throw new Failure('usage', `--${name}: must not be blank; leave it out to mean all`)
  }
  const fields = {
    ...scopeOf(flags),
    status,
    since,
    until,
    limit,
  }
  return Object.fromEntries(Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined))
}

interface Found {
  flags: ClustersFlags
  rows: Cluster[]
  leases: ExpiredLeases[]
  /** False where failures that match may be in no row. */
  isComplete: boolean
  /** The answer of the server. */
  raw: unknown
}

async function show(context: Context, { flags, rows, leases, isComplete, raw }: Found): Promise<void> {
  const { print, another } = context
  const scope = scopeOf(flags)
  const empty = `no failure in ${describeAnyOf(scope)}${isComplete ? '' : ' was found so far'}`
  print.rows({ columns, forPeople, rows, json: raw, empty })
  if (!print.forPeople) return
  if (rows.length === 0 && isComplete) await noteUnknownScope(context, scope)
  if (leases.length > 0) {
    print.result(`${rows.length > 0 ? '\n' : ''}${await print.table(leaseColumns, leases.slice(0, 10))}`)
    print.aside(`\nrunning jobs with an expired lease: ${another(['stale', ...scopeWords(scope)])}`)
  }
  const [largest] = rows
  if (largest && largest.status !== null)
    print.aside(`\nthe jobs of a cluster: ${another(['list', ...scopeWords(scope), '--cluster', largest.cluster])}`)
}

/** The note of failures that were not read, with the command that reads them. */
function olderText({ another }: Context, flags: ClustersFlags, { state, before }: NotRead): string {
  const since = flags.since === undefined ? [] : flagWords('--since', flags.since)
  const scope = scopeWords(scopeOf(flags))
  if (before === null) return `note: not all ${state} jobs were read, so the numbers are lower bounds; add --since`
  const older = another(['clusters', ...scope, '--status', state, ...since, '--until', before])
  return `note: ${state} jobs from before ${before} were not read, so the numbers are lower bounds; to read them: ${older}`
}

/** The note of an answer that lacks failures. Servers up to 0.2.0 do not say which. */
function incomplete(
  { clusters: rows, not_read }: z.output<typeof endpoint.output>,
  scanned: string | undefined,
  { status, since, domain }: Record<string, string>,
): string {
  const lacking = lackingFilters({ '--status': status, '--since': since, '--domain': domain })
  const narrow = `narrow them with ${lacking === '' ? 'a later --since' : lacking}`
  const read = `of ${groupedDigits(Number(scanned ?? 0))} failures that the server read`
  const rest = rows.find(({ cluster }) => cluster === 'rest')?.count
  if (not_read === undefined) return `note: ${read}, some are in no cluster here, or there are more; ${narrow}`
  if (rest !== undefined) return `note: ${read}, ${groupedDigits(rest)} are in no cluster here; ${narrow}`
  return `note: the server read ${groupedDigits(Number(scanned ?? 0))} failures and stopped; ${narrow}`
}

const text = (value: string | null): string => value ?? ''
const cluster: Column<Cluster> = { title: 'cluster', value: ({ cluster }) => cluster, gives: 'never' }
const status: Column<Cluster> = {
  title: 'status',
  value: ({ status }) => text(status),
  paint: ({ status }) => (status === 'retrying' ? 'yellow' : status === null ? undefined : 'red'),
  gives: 'never',
}
const count: Column<Cluster> = { title: 'count', value: ({ count }) => count }
const countForPeople: Column<Cluster> = {
  title: 'count',
  value: ({ count, at_least }) => (at_least ? `at least ${groupedDigits(count)}` : count),
  gives: 'never',
}
const pattern: Column<Cluster> = { title: 'pattern', value: ({ pattern }) => text(pattern), gives: 'first' }

const columns: Column<Cluster>[] = [
  cluster,
  status,
  { title: 'error_code', value: ({ error_code }) => text(error_code) },
  count,
  { title: 'per_minute', value: ({ per_minute }) => per_minute },
  { title: 'first_seen', value: ({ first_seen }) => isoTime(text(first_seen)) },
  { title: 'last_seen', value: ({ last_seen }) => isoTime(text(last_seen)) },
  { title: 'sample_ids', value: ({ sample_ids }) => sample_ids.join(',') },
  pattern,
  { title: 'at_least', value: ({ at_least }) => (at_least === undefined ? '' : String(at_least)) },
]

const forPeople: Column<Cluster>[] = [
  cluster,
  status,
  countForPeople,
  { title: 'a minute', value: ({ per_minute }) => per_minute, zeros: 'drop' },
  { title: 'last', value: ({ last_seen }) => (last_seen ? ago(last_seen) : ''), gives: 'never' },
  { title: 'code', value: ({ error_code }) => text(error_code) },
  { title: 'sample', value: ({ sample_ids: [id] }) => (id === undefined ? '' : String(id)), gives: 'never' },
  pattern,
]

const leaseColumns: Column<ExpiredLeases>[] = [
  { title: 'worker', value: ({ worker_id }) => text(worker_id) },
  { title: 'type', value: ({ job_type }) => job_type },
  { title: 'expired leases', value: ({ count }) => count },
  { title: 'first', value: ({ oldest }) => (oldest ? ago(oldest) : 'no end'), gives: 'never' },
]
