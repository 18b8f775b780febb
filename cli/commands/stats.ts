import { Failure } from '../../shared/errors.ts'
import type { GroupStats } from '../../shared/queues/stats.ts'
import type { Scope } from '../../shared/scope.ts'
import type { CommandSpec } from '../command.ts'
import type { Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import { groupedDigits } from '../output/numbers.ts'
import type { Ending } from '../output/print.ts'
import type { Column } from '../output/table.ts'
import { pollForever } from '../poll.ts'
import { allFlag, describeScope, type ScopeFlags, scopeFlags, scopeOf, scopeWords } from '../settings/scope-flags.ts'

interface StatsFlags extends ScopeFlags {
  watch?: boolean
}

export const stats: CommandSpec<StatsFlags> = {
  name: 'stats',
  group: 'READ',
  summary: 'counts by domain, queue, job type',
  about: 'Counts queued, scheduled, processing and quarantined jobs by domain, queue and job type.',
  examples: ['jobsctl stats --domain chatbooks', 'jobsctl stats --watch', 'jobsctl stats --json'],
  flags: [...scopeFlags, allFlag, { flags: '--watch', about: 'repeat every 2 seconds, until Ctrl-C', group: 'HOW' }],
  async run(context, flags) {
    const { stats: endpoint } = await import('../../shared/queues/stats.ts')
    const { parseInput } = await import('../settings/flag-errors.ts')
    const scope = parseInput(endpoint.input, scopeOf(flags))
    const { settings, print } = context
    if (settings.curl) {
      print.text(curlOf(context, endpoint, scope))
      return 'ok'
    }
    if (flags.watch) return watch(context, scope)
    const { body, raw } = await (await context.client()).call(endpoint, scope)
    return show(context, scope, body, raw)
  },
}

const counts: Column<GroupStats>[] = [
  { title: 'queued', value: ({ queued }) => queued },
  { title: 'scheduled', value: ({ scheduled }) => scheduled },
  { title: 'processing', value: ({ processing }) => processing },
  {
    title: 'quarantined',
    value: ({ quarantined }) => quarantined,
    paint: ({ quarantined }) => (quarantined > 0 ? 'yellow' : undefined),
  },
]

const columns: Column<GroupStats>[] = [
  { title: 'domain', value: ({ domain }) => domain },
  { title: 'queue', value: ({ queue }) => queue },
  { title: 'type', value: ({ job_type }) => job_type },
  ...counts,
]

const forPeople: Column<GroupStats>[] = [
  { title: 'queue', value: ({ domain, queue }) => `${domain}/${queue}` },
  { title: 'type', value: ({ job_type }) => job_type },
  ...counts,
]

function show({ print, retyped }: Context, scope: Scope, rows: GroupStats[], json: unknown): Ending {
  print.rows({ columns, forPeople, rows, json, empty: `no jobs in ${describeScope(scope)}` })
  if (print.forPeople && rows.length > 0) print.aside(`\n${summary(scope, rows, retyped)}`)
  return 'ok'
}

function summary(scope: Scope, rows: GroupStats[], retyped: Context['retyped']): string {
  const sum = (count: (row: GroupStats) => number) => rows.reduce((total, row) => total + count(row), 0)
  const quarantined = sum((row) => row.quarantined)
  const words = retyped(['requeue', ...scopeWords(scope, true), '--dry-run'])
  return [
    `${groupedDigits(sum((row) => row.queued))} queued`,
    `${groupedDigits(sum((row) => row.processing))} processing`,
    quarantined > 0 ? `${groupedDigits(quarantined)} quarantined: ${words}` : '0 quarantined',
  ].join(', ')
}

const pauseMs = 2000
const clear = '\u001b[H\u001b[2J'

async function watch(context: Context, scope: Scope): Promise<Ending> {
  const { io, print, settings } = context
  if (!io.outTerminal && settings.output !== 'ndjson') {
    throw new Failure('usage', '--watch needs a terminal, or --ndjson')
  }
  const { stats: endpoint } = await import('../../shared/queues/stats.ts')
  return pollForever(context, pauseMs, async (client) => {
    const { body } = await client.call(endpoint, scope)
    const at = new Date().toISOString()
    if (settings.output === 'table') print.text(`${clear}${print.style.dim(at)}\n\n`)
    show(context, scope, body, Array.isArray(body) ? body.map((row) => ({ at, ...row })) : body)
  })
}
