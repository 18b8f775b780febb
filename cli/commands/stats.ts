import { Failure } from '../../shared/errors.ts'
import type { GroupStats } from '../../shared/queues/stats.ts'
import type { Scope } from '../../shared/scope.ts'
import type { CommandSpec, Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import { noteUnknownScope, refuseUnknownScope } from '../guard/known-scope.ts'
import type { Client } from '../http/client.ts'
import type { Ending } from '../output/print.ts'
import { flagsIn, watchFlag } from '../settings/flags/flag.ts'
import {
  allFlag,
  describeAnyOf,
  mustExistFlag,
  type ScopeFlags,
  scopeFlags,
  scopeOf,
  scopeWords,
} from '../settings/flags/scope-flags.ts'
import { groupedDigits } from '../text/numbers.ts'
import { isoTime } from '../text/times.ts'
import { columns, columnsForPeople, countsOf, failed, type Group, pastColumns } from './stats/columns.ts'

interface StatsFlags extends ScopeFlags {
  at?: string
  mustExist?: boolean
  watch?: boolean
}

export const stats: CommandSpec<StatsFlags> = {
  name: 'stats',
  group: 'READ',
  summary: 'counts by domain, queue, job type',
  about:
    'Counts queued, scheduled, processing and quarantined jobs by domain, queue and job type. --at shows the counts as they were: they are written once a minute, and kept by the minute for 7 days and by the hour for 90. Where none were written it says why, and the numbers are lower bounds.',
  examples: [
    'jobsctl stats --domain chatbooks',
    'jobsctl stats --at 45m',
    'jobsctl stats --at "mark:deploy 4711"',
    'jobsctl stats --watch',
    'jobsctl stats --json',
  ],
  fleet: true,
  flags: [
    ...scopeFlags,
    allFlag,
    mustExistFlag,
    ...flagsIn('HOW', {
      '--at <time>': { about: 'as it was at 03:12, at a time of ISO 8601, 2h ago, or at mark:<text>', time: 'past' },
    }),
    watchFlag,
  ],
  rows: (_operands, flags) => [...columns([]), failed, ...('at' in flags ? pastColumns : [])],
  async run(context, flags) {
    const { stats: endpoint } = await import('../../shared/queues/stats.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    // A field that is not named is left out: the quick check of the input takes no other than an empty one.
    const request = parseInput(endpoint.input, { ...scopeOf(flags), ...(flags.at !== undefined && { at: flags.at }) })
    const { at, ...scope } = request
    const { settings, print } = context
    if (at !== undefined && flags.watch) throw new Failure('usage', '--at and --watch exclude each other')
    if (settings.curl) {
      print.text(curlOf(context, endpoint, request))
      return 'ok'
    }
    if (flags.watch) return watchStats(context, scope)
    const { body, raw } = await (await context.client()).call(endpoint, request)
    if (at !== undefined)
      return (await import('./stats/past.ts')).showPast(context, {
        scope,
        at,
        rows: body,
        json: raw,
        mustExist: flags.mustExist ?? false,
      })
    return show(context, { scope, rows: body, json: raw }, flags.mustExist ?? false)
  },
}

interface Found {
  scope: Scope
  rows: GroupStats[]
  json: unknown
}

async function show(context: Context, { scope, rows, json }: Found, mustExist: boolean): Promise<Ending> {
  const { print, retyped } = context
  if (rows.length === 0 && mustExist) await refuseUnknownScope(context, scope)
  const shown = print.forPeople ? await withStates(await context.client(), rows) : rows
  const forPeople = columnsForPeople(shown)
  const more = countsOf(rows).includes(failed) ? [] : [{ ...failed, value: () => '' }]
  print.rows({
    columns: columns(rows),
    more,
    forPeople,
    rows: shown,
    json,
    empty: `no jobs in ${describeAnyOf(scope)}`,
  })
  if (print.forPeople && rows.length === 0) await noteUnknownScope(context, scope)
  if (print.forPeople && rows.length > 0) print.aside(`\n${summary(scope, rows, retyped)}`)
  return 'ok'
}

/** The groups with the states of their queues; another server than jobs-server reports no states. */
async function withStates(client: Client, rows: readonly GroupStats[]): Promise<Group[]> {
  const { stoppedQueues } = await import('../../shared/queues/queues.ts')
  const answer = await client.call(stoppedQueues, {}).catch((error: unknown) => {
    if (error instanceof Failure) return undefined
    throw error
  })
  const states = new Map(
    answer?.body.map(({ domain, queue, drain }) => [`${domain}/${queue}`, drain ? 'draining' : 'paused']),
  )
  return rows.map((row) => {
    const state = states.get(`${row.domain}/${row.queue}`)
    return state === undefined ? row : { ...row, state }
  })
}

function summary(scope: Scope, rows: readonly GroupStats[], retyped: Context['retyped']): string {
  const sum = (count: (row: GroupStats) => number) => rows.reduce((total, row) => total + count(row), 0)
  const quarantined = sum((row) => row.quarantined)
  const failures = rows.some((row) => row.failed !== undefined)
    ? `${groupedDigits(sum((row) => row.failed ?? 0))} failed`
    : undefined
  const without = sum((row) => row.unmapped ?? 0)
  const readAt = rows.find((row) => row.as_of !== undefined)?.as_of
  const words = retyped(['requeue', ...scopeWords(scope, true), '--dry-run'])
  return [
    `${groupedDigits(sum((row) => row.queued))} queued`,
    `${groupedDigits(sum((row) => row.processing))} processing`,
    failures ?? (quarantined > 0 ? `${groupedDigits(quarantined)} quarantined: ${words}` : '0 quarantined'),
    ...(without > 0 ? [unmappedText(without, retyped(['list', ...scopeWords(scope), '--status', 'unmapped']))] : []),
    ...vanishingTexts(rows),
    ...(readAt === undefined ? [] : [`read at ${isoTime(readAt)}`]),
  ].join(', ')
}

/** What an operator must know of numbers that fall by themselves. */
function vanishingTexts(rows: readonly GroupStats[]): string[] {
  const queues = [...new Set(rows.flatMap(({ queue, vanishing }) => (vanishing ? [queue] : [])))]
  const [first] = queues
  if (first === undefined) return []
  return [
    `the engine deletes ended jobs of ${queues.length === 1 ? first : `${groupedDigits(queues.length)} queues`} by itself`,
  ]
}

/** What an operator must know of jobs to which a map gives no state. */
const unmappedText = (count: number, list: string): string =>
  `${groupedDigits(count)} unmapped: their state is not in the map, and no change touches them (${list})`

async function watchStats(context: Context, scope: Scope): Promise<Ending> {
  const { stats: endpoint } = await import('../../shared/queues/stats.ts')
  const { watch } = await import('../watch.ts')
  const load = ({ queued, processing, quarantined }: GroupStats) => queued + processing + quarantined
  return watch<GroupStats>(context, async (client) => {
    const { body } = await client.call(endpoint, scope)
    return {
      rows: [...body].sort((one, other) => load(other) - load(one)),
      json: body,
      columns: columns(body),
      below: ['', summary(scope, body, context.retyped)],
      empty: `no jobs in ${describeAnyOf(scope)}`,
      more: 'more groups with fewer jobs',
      async forPeople(rows) {
        const shown = await withStates(client, rows)
        return { rows: shown, columns: columnsForPeople(shown) }
      },
    }
  })
}
