import { undo } from '../../../shared/changes/undo.ts'
import { Failure } from '../../../shared/errors.ts'
import { outcomes } from '../../../shared/outcomes.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import type { PreviewDetails, Previewed } from '../../guard/change.ts'
import type { Printer } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { describeScope } from '../../settings/flags/scope-flags.ts'
import { groupedDigits, jobsText, sumOf } from '../../text/numbers.ts'
import { dependentsBeside } from '../dependents.ts'
import { verbOf } from '../filtered.ts'
import type { CallerOperations } from './operations-of-caller.ts'
import { isIncomplete, reasonsNote, reasonsText, type UndoAnswer, withdrawnNote } from './reasons.ts'
import type { OneUndo, UndoChange } from './undo.ts'

interface UndoneOperation {
  id: string
  kind: string
  when: string
  back: number
}

const columns: Column<UndoneOperation>[] = [
  { title: 'operation', value: ({ id }) => id },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'when', value: ({ when }) => when, gives: 'never' },
  { title: 'gives back', value: ({ back }) => back },
]

/** An undo of all that a caller did since a time, for the guard: one preview, and then one undo for each operation, the newest first. */
export function undoCallerChange(
  { print }: Context,
  { caller, since, scope, records, left, hold_until }: CallerOperations & Pick<OneUndo, 'hold_until'>,
  words: readonly string[],
): UndoChange {
  const requests: OneUndo[] = records.map(({ id }) => ({ id: String(id), ...scope, hold_until }))
  const isInScope = Object.values(scope).some((name) => name !== undefined)
  const operations = `${records.length} operation${records.length === 1 ? '' : 's'}`
  const where = `${isInScope ? ` in ${describeScope(scope)}` : ''} of ${operations} of ${escaped(caller)} since ${since}`
  const leftNotes = left.map(
    ({ id, kind, why, jobs }) =>
      `note: operation ${id} (${escaped(kind)}${jobs > 0 ? `, ${jobsText(jobs)}` : ''}) is not undone: ${escaped(why)}`,
  )
  return {
    name: 'undo',
    along: 'given back',
    endpoint: undo,
    requests,
    preview: (request) => ({ ...request, dry_run: true }),
    bounded: (request, bound) => ({ ...request, dry_run: false, ...bound }),
    say: (jobs, done) => `${verbOf('undo', done)} ${jobs}${where}`,
    facts: { caller, since, ...scope, operations_undone: records.map(({ id }) => id), not_undone: left },
    words,
    details: (_client, previewed) => details(print, records, previewed),
    inTurn: ({ conflict_count }) => conflict_count,
    ending: (answers) =>
      left.some(({ jobs }) => jobs > 0) || answers.some(isIncomplete) ? outcomes.someNotBack.exit : outcomes.done.exit,
    noneMatch: async () =>
      new Failure('conflict', `no job of ${operations} of ${escaped(caller)} can be given back; nothing was changed`),
    together: (answers) => {
      const conflict_count = sumOf(answers.map((answer) => answer.conflict_count))
      const isPreview = answers.every(({ preview }) => preview !== undefined)
      const notes = isPreview ? previewNotes(answers) : conflictNotes(answers)
      const { dependents, dependents_elsewhere, withdrawn } = sumsOf(answers)
      const along = dependentsBeside({ dependents, dependents_elsewhere }, 'given back')
      return {
        facts: { conflict_count, ...along.facts, ...(withdrawn > 0 && { withdrawn }) },
        notes: [along.note, withdrawnNote(withdrawn), ...notes, ...leftNotes].filter((note) => note !== undefined),
      }
    },
  }
}

const sumsOf = (answers: readonly UndoAnswer[]) => {
  const sum = (name: 'dependents' | 'dependents_elsewhere' | 'withdrawn') =>
    sumOf(answers.map((answer) => answer[name] ?? 0))
  return {
    dependents: sum('dependents'),
    dependents_elsewhere: sum('dependents_elsewhere'),
    withdrawn: sum('withdrawn'),
  }
}

/** The jobs that are not as their operation left them, each with its reason. */
const conflictNotes = (answers: readonly UndoAnswer[]): string[] =>
  answers.some(({ conflict_count }) => conflict_count > 0) ? [reasonsNote(answers)] : []

/** The same before the undo: what a newer operation gives back may be given back by an older one in its turn. */
function previewNotes([newest, ...older]: readonly UndoAnswer[]): string[] {
  const count = sumOf(older.map(({ conflict_count }) => conflict_count))
  const more = `${groupedDigits(count)} more ${count === 1 ? 'job is' : 'jobs are'}`
  const inTurn = `note: up to ${more} given back in turn, where a newer one of these operations changed the same job (now ${reasonsText(older)})`
  return [...(newest ? conflictNotes([newest]) : []), ...(count > 0 ? [inTurn] : [])]
}

async function details(
  print: Printer,
  records: CallerOperations['records'],
  { counts }: Previewed<typeof undo.output>,
): Promise<PreviewDetails> {
  const rows = records.map(({ id, kind, started_at }, at) => ({
    id: String(id),
    kind,
    back: counts[at] ?? 0,
    when: started_at.slice(0, 16).replace('T', ' '),
  }))
  return { head: `Undone one after the other, the newest first (times in UTC):\n\n${await print.table(columns, rows)}` }
}
