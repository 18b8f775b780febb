import type { Scope } from '../../../shared/scope.ts'
import { ago } from '../../../shared/times/time-and-size.ts'
import type { Context } from '../../context.ts'
import { noteUnknownScope } from '../../guard/known-scope.ts'
import { readLacks } from '../../http/engine-lacks.ts'
import type { Ending } from '../../output/print.ts'
import { queueColumn } from '../../output/queue-column.ts'
import type { Column } from '../../output/table.ts'
import { describeAnyOf, scopeWords } from '../../settings/flags/scope-flags.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { isoTime } from '../../text/times.ts'
import type { TopFrame, TopGroup } from './model.ts'

interface Once {
  scope: Scope
  frame: TopFrame
}

/** Prints one frame, the busiest groups first. */
export async function printFrame(context: Context, { scope, frame }: Once): Promise<Ending> {
  const { print, another } = context
  // The stream of counts does not say whether the server has one domain alone.
  if (print.asScreen) await readLacks(await context.client())
  const rows = [...frame.groups].sort((one, other) => load(other) - load(one))
  const unmapped: Column<TopGroup> = { title: 'unmapped', value: (group) => group.unmapped ?? 0, paint: () => 'yellow' }
  const more = rows.some((group) => group.unmapped) ? [unmapped] : []
  print.rows({
    columns,
    forPeople: [...forPeople, ...more],
    rows,
    json: frame,
    empty: `no jobs in ${describeAnyOf(scope)}`,
  })
  if (!print.forPeople) return 'ok'
  if (rows.length === 0) await noteUnknownScope(context, scope)
  const { stopped = [], operations = [] } = frame
  if (stopped.length > 0) print.aside(`${groupedDigits(stopped.length)} stopped: ${another(['queues'])}`)
  const unmappedJobs = rows.reduce((all, group) => all + (group.unmapped ?? 0), 0)
  if (unmappedJobs > 0)
    print.aside(
      `${groupedDigits(unmappedJobs)} unmapped: ${another(['list', ...scopeWords(scope), '--status', 'unmapped'])}`,
    )
  if (operations.length > 0) print.aside(`${groupedDigits(operations.length)} running: ${another(['operations'])}`)
  return 'ok'
}

const load = ({ queued, processing, quarantined }: TopGroup): number => queued + processing + quarantined

const counts: Column<TopGroup>[] = [
  { title: 'queued', value: ({ queued }) => queued },
  { title: 'scheduled', value: ({ scheduled }) => scheduled, short: 'sched', zeros: 'drop' },
  { title: 'processing', value: ({ processing }) => processing, short: 'proc', zeros: 'drop' },
  { title: 'quarantined', value: ({ quarantined }) => quarantined, short: 'quar', zeros: 'drop' },
]

/** The columns of TSV. */
export const columns: Column<TopGroup>[] = [
  { title: 'domain', value: ({ domain }) => domain },
  { title: 'queue', value: ({ queue }) => queue },
  { title: 'type', also: 'job_type', value: ({ job_type }) => job_type },
  ...counts,
  { title: 'oldest_due', value: ({ oldest_due }) => isoTime(oldest_due ?? '') },
]

const forPeople: Column<TopGroup>[] = [
  queueColumn,
  { title: 'type', value: ({ job_type }) => job_type, gives: 'never' },
  ...counts,
  { title: 'oldest', value: ({ oldest_due }) => (oldest_due ? ago(oldest_due) : '') },
]
