import { type Conflict, UndoRequest, undo } from '../../../shared/changes/undo.ts'
import { Failure } from '../../../shared/errors.ts'
import { outcomes } from '../../../shared/outcomes.ts'
import { getOperation } from '../../../shared/records/records.ts'
import type { Scope } from '../../../shared/scope.ts'
import { escaped } from '../../../shared/text/escape.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Context } from '../../context.ts'
import type { BulkChange, PreviewDetails } from '../../guard/change.ts'
import type { Client } from '../../http/client.ts'
import type { Printer } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { parseInput } from '../../settings/flags/flag-errors.ts'
import { describeScope } from '../../settings/flags/scope-flags.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { dependentsBeside } from '../dependents.ts'
import { verbOf } from '../filtered.ts'
import { untilText } from '../hold-text.ts'
import { isIncomplete, reasonsNote, reasonsText, type UndoAnswer, withdrawnNote } from './reasons.ts'

/** An operation, and the part of it that is undone. */
export interface OneUndo extends Scope {
  id: string
  ids?: JobId[] | undefined
  hold_until?: string | undefined
}

/**
 * The request of an undo, without the fields that the guard adds.
 * @throws Failure `usage`
 */
export function undoRequest(fields: unknown): OneUndo {
  const { id, domain, queue, job_type, ids, hold_until } = parseInput(UndoRequest, fields)
  return { id: String(id), domain, queue, job_type, ids, hold_until }
}

const columns: Column<Conflict>[] = [
  { title: 'job', value: ({ job_id }) => String(job_id) },
  { title: 'reason', value: ({ reason }) => reason },
]

const mostShown = 10

export type UndoChange = BulkChange<typeof undo.input, typeof undo.output>

/** An undo, for the guard. */
export function undoChange(context: Context, request: OneUndo, words: readonly string[]): UndoChange {
  const { print, another } = context
  const { id, ids, hold_until, ...scope } = request
  const isInScope = Object.values(scope).some((name) => name !== undefined)
  const where = isInScope ? ` in ${describeScope(scope)}` : ''
  return {
    name: 'undo',
    along: 'given back',
    endpoint: undo,
    requests: [request],
    preview: (request) => ({ ...request, dry_run: true }),
    bounded: (request, bound) => ({ ...request, dry_run: false, ...bound }),
    say: (jobs, done) => `${verbOf('undo', done)} ${jobs} of operation ${id}${where}`,
    facts: {
      operation_undone: Number(id),
      ...scope,
      ...(ids && { ids }),
      ...(hold_until !== undefined && { hold_until }),
    },
    words,
    details: async (_client, { answers: [answer] }) => (answer ? conflictDetails(print, answer) : {}),
    ending: (answers) => (answers.some(isIncomplete) ? outcomes.someNotBack.exit : outcomes.done.exit),
    noneMatch: (client, [answer]) => nothingLeft({ client, another }, request, answer),
    beside: (answer) => ({
      facts: {
        conflict_count: answer.conflict_count,
        conflicts: answer.conflicts,
        ...dependentsBeside(answer).facts,
        ...(answer.withdrawn && { withdrawn: answer.withdrawn }),
        ...(answer.vanishing && { vanishing: answer.vanishing }),
        ...(answer.conflict_reasons && { conflict_reasons: answer.conflict_reasons }),
        ...(answer.hold_id !== undefined && { hold_id: answer.hold_id, held_until: answer.held_until }),
      },
      note: notesOn(answer, request, context),
    }),
  }
}

/** What an undo leaves out, and for a person its hold; undefined where there is nothing to say. */
function notesOn(answer: UndoAnswer, { id, ids }: OneUndo, { print, another }: Context) {
  const { affected, conflict_count, skipped = 0, hold_id, held_until } = answer
  const others = (ids?.length ?? 0) - affected - conflict_count - skipped
  const beside = [dependentsBeside(answer, 'given back').note, withdrawnNote(answer.withdrawn), vanishingNote(answer)]
  const notes = [
    ...beside.filter((note) => note !== undefined),
    ...(print.forPeople && hold_id !== undefined && held_until !== undefined
      ? [
          `Held from prune, sweep and erase until ${untilText({ until: held_until })}. To end the hold:  ${another(['hold', 'remove', String(hold_id)])}`,
        ]
      : []),
    ...(conflict_count === 0 ? [] : [reasonsNote([answer])]),
    ...(others > 0 ? [`note: ${countOf(others, 'id')} of --ids-file: nothing of operation ${id} is kept for it`] : []),
  ]
  return notes.length === 0 ? undefined : notes.join('\n')
}

/** That the engine may delete again what comes back. */
function vanishingNote({ vanishing = [] }: UndoAnswer): string | undefined {
  const [first] = vanishing
  if (!first) return undefined
  const more = vanishing.length > 1 ? ` and ${countOf(vanishing.length - 1, 'other queue')}` : ''
  return `note: the engine may delete ${first.states.join(' and ')} jobs of ${first.queue}${more} again when the next job there ends`
}

const countOf = (n: number, what: string): string => `${groupedDigits(n)} ${what}${n === 1 ? '' : 's'}`

/** The jobs that an undo cannot give back, each with its reason. */
async function conflictDetails(print: Printer, { conflicts, conflict_count }: UndoAnswer): Promise<PreviewDetails> {
  if (conflicts.length === 0) return {}
  const shown = conflicts.slice(0, mostShown)
  const rest = conflict_count - shown.length
  const more = rest > 0 ? `and ${groupedDigits(rest)} more\n` : ''
  return { below: `Cannot be given back:\n\n${await print.table(columns, shown)}${more}` }
}

interface Asking {
  client: Client
  another: Context['another']
}

/** The error of an undo that can give back no job: another operation has undone it, or its jobs have changed. */
async function nothingLeft(
  { client, another }: Asking,
  { id, ids, hold_until: _, ...scope }: OneUndo,
  answer: UndoAnswer | undefined,
): Promise<Failure> {
  const isInPart = [ids, ...Object.values(scope)].some((field) => field !== undefined)
  const hint = `to see the operation and its jobs: ${another(['operations', id])}`
  const by = await undoneBy(client, id)
  if (by !== undefined)
    return new Failure('conflict', `operation ${id} was undone by ${by}; nothing was changed`, { hint })
  const why = answer && answer.conflict_count > 0 ? `: ${reasonsText([answer])}` : ''
  return new Failure(
    'conflict',
    `operation ${id} has no job${isInPart ? ' in this part' : ''} that can be given back${why}; nothing was changed`,
    {
      hint,
    },
  )
}

/** `operation 19 at 2026-11-24 12:00 UTC`, by the record; undefined where no operation has undone it. */
async function undoneBy(client: Client, id: string): Promise<string | undefined> {
  const record = await recordOf(client, id)
  if (record === undefined || record.state !== 'undone' || record.undone_by === null) return undefined
  const undoing = await recordOf(client, String(record.undone_by))
  const time = undoing?.ended_at ?? undoing?.started_at
  const when = time === undefined ? '' : ` at ${escaped(time.slice(0, 16).replace('T', ' '))} UTC`
  return `operation ${record.undone_by}${when}`
}

const recordOf = (client: Client, id: string) =>
  client.call(getOperation, { id }).then(
    ({ body }) => body,
    (error: unknown) => {
      if (error instanceof Failure) return undefined
      throw error
    },
  )
