import { type Conflict, UndoRequest, undo } from '../../shared/changes/undo.ts'
import type { Context } from '../context.ts'
import { escaped } from '../escape.ts'
import type { BulkChange } from '../guard/change.ts'
import { groupedDigits, jobsText } from '../output/numbers.ts'
import type { Column } from '../output/table.ts'
import { parseInput } from '../settings/flag-errors.ts'

/**
 * The request of an undo, without the fields that the guard adds.
 * @throws Failure `usage`
 */
export function undoRequest(fields: unknown): { id: string } {
  return { id: String(parseInput(UndoRequest, fields).id) }
}

const columns: Column<Conflict>[] = [
  { title: 'job', value: ({ job_id }) => String(job_id) },
  { title: 'reason', value: ({ reason }) => reason },
]

const mostShown = 10

/** An undo, for the guard. */
export function undoChange(
  { print }: Context,
  request: { id: string },
  words: readonly string[],
): BulkChange<typeof undo.input, typeof undo.output> {
  const say = (jobs: string, done: boolean) => `${done ? 'gave' : 'would give'} back ${jobs} of operation ${request.id}`
  return {
    name: 'undo',
    endpoint: undo,
    requests: [request],
    preview: (request) => ({ ...request, dry_run: true }),
    bounded: (request, bound) => ({ ...request, dry_run: false, ...bound }),
    count: ({ affected }) => affected,
    say,
    facts: { operation_undone: Number(request.id) },
    words,
    details: async (_client, { answers: [answer], total }) => {
      const { conflicts, conflict_count } = answer ?? { conflicts: [], conflict_count: 0 }
      if (conflicts.length === 0) return undefined
      const shown = conflicts.slice(0, mostShown)
      const rest = conflict_count - shown.length
      const more = rest > 0 ? `and ${groupedDigits(rest)} more\n` : ''
      return `Cannot be taken back:\n\n${await print.table(columns, shown)}${more}\n${say(jobsText(total), false)}`
    },
    beside: ({ conflicts, conflict_count }) => ({
      facts: { conflict_count, conflicts },
      note: conflict_count === 0 ? undefined : noteOn(conflict_count, conflicts),
    }),
  }
}

/** `note: 3 jobs cannot be taken back: 2 gone on, 1 deleted` */
function noteOn(count: number, listed: readonly Conflict[]): string {
  const reasons = [...new Set(listed.map(({ reason }) => reason))]
  const parts = reasons.map((one) => `${listed.filter(({ reason }) => reason === one).length} ${escaped(one)}`)
  const rest = count > listed.length && listed.length > 0 ? [`and ${groupedDigits(count - listed.length)} more`] : []
  return `note: ${jobsText(count)} cannot be taken back${listed.length > 0 ? `: ${[...parts, ...rest].join(', ')}` : ''}`
}
