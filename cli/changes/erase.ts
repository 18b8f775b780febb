import type { z } from 'zod'
import { type Elsewhere, EraseRequest, erase } from '../../shared/changes/erase.ts'
import { Failure } from '../../shared/errors.ts'
import { outcomes } from '../../shared/outcomes.ts'
import { escaped } from '../../shared/text/escape.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import type { Context } from '../context.ts'
import type { BulkChange } from '../guard/change.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'
import { describeScope } from '../settings/flags/scope-flags.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'
import { dependentsBeside } from './dependents.ts'
import { verbOf } from './filtered.ts'
import { foreignNote, foreignRefusal } from './foreign-rows.ts'
import { checkFields } from './request-fields.ts'

/**
 * The request of an erasure, without the fields that the guard adds.
 * @throws Failure `usage`
 */
export function eraseRequest(fields: unknown) {
  const { domain, queue, job_type, owner_user_id, ids, payload, with_foreign_rows, copies_only } = parseInput(
    EraseRequest,
    fields,
  )
  const along = { ...(with_foreign_rows && { with_foreign_rows }), ...(copies_only && { copies_only }) }
  const values = payload?.map(({ path, value }) => ({ path: path.join('.'), value }))
  return { domain, queue, job_type, owner_user_id, ids, ...(values && { payload: values }), ...along }
}

type EraseChange = BulkChange<typeof erase.input, typeof erase.output>

/**
 * An erasure, for the guard.
 * @param isNamed whether the command line has the ids: one of which nothing is left is an error
 * @param words the command line with `…` in place of the values that are erased: no output of the command keeps them
 */
export function eraseChange(
  context: Context,
  request: ReturnType<typeof eraseRequest>,
  words: readonly string[],
  { isNamed = false }: { isNamed?: boolean } = {},
): EraseChange {
  const { domain, queue, job_type } = request
  const scope = { domain, queue, job_type }
  const isInScope = Object.values(scope).some((name) => name !== undefined)
  const where = isInScope ? ` in ${describeScope(scope)}` : ''
  return {
    name: 'erase',
    endpoint: erase,
    requests: [request],
    preview: () => ({ ...request, dry_run: true }),
    bounded: (_request, bound) => ({ ...request, dry_run: false, ...bound }),
    say: (jobs, done) => `${verbOf('erase', done)} ${jobs}${where}`,
    facts: scope,
    words,
    checkServer: checkFields('erase', [request]),
    beside: ({ erased, passed_over, named_in, filter_hash, preview, ...answer }) => {
      const { not_touched, copies_left, marks, worker_names } = answer
      const foreign = foreignNote(preview)
      const along = dependentsBeside(answer)
      const notes = [
        ...(along.note === undefined ? [] : [along.note]),
        ...notesOn(context, { passed_over, named_in, copies_left }),
        ...elsewhereNotes({ not_touched, marks, worker_names }),
        ...(foreign === undefined ? [] : [foreign]),
      ]
      const facts = {
        filter_hash,
        ...(erased && { erased }),
        passed_over,
        named_in,
        ...along.facts,
        ...(copies_left && { copies_left }),
        ...(not_touched && { not_touched, marks, worker_names }),
      }
      return { facts, note: notes.length > 0 ? notes.join('\n') : undefined }
    },
    ending: (answers) => (answers.some((answer) => keptBy(answer) > 0) ? outcomes.someKept.exit : outcomes.done.exit),
    noneMatch: async (_client, answers) => noneErased(context, answers, isNamed ? request : {}),
    refusal: ({ preview }) =>
      'with_foreign_rows' in request
        ? undefined
        : foreignRefusal(preview, context.retyped([...words, '--with-foreign-rows'])),
  }
}

type Aside = Pick<z.output<typeof erase.output>, 'passed_over' | 'copies_left'> &
  Partial<Pick<z.output<typeof erase.output>, 'named_in'>>

/** What the database has of the person beside jobs and events. */
function elsewhereNotes({ not_touched = [], marks, worker_names }: Elsewhere): string[] {
  const tables = not_touched.map(
    ({ table, rows }) =>
      `${escaped(table)} (${rows === null ? 'not counted' : `${groupedDigits(rows)} ${rows === 1 ? 'row' : 'rows'}`})`,
  )
  return [
    ...(tables.length > 0
      ? [`note: not touched, tables of others with rows that name the person: ${tables.join(', ')}`]
      : []),
    ...(marks ? [`note: ${groupedDigits(marks)} ${marks === 1 ? 'mark' : 'marks'} of workers go along`] : []),
    ...(worker_names
      ? [
          `note: ${worker_names === 1 ? '1 name of a worker has' : `${groupedDigits(worker_names)} names of workers have`} the value, and ${worker_names === 1 ? 'stays' : 'stay'}`,
        ]
      : []),
  ]
}

const mostIds = 10

/** How many jobs and copies an erasure leaves that it was asked to erase. Those that were not counted are at least one. */
const keptBy = ({ passed_over, copies_left = [] }: Aside): number =>
  (passed_over?.running ?? 0) +
  (passed_over?.held ?? 0) +
  (passed_over?.needed ?? 0) +
  copies_left.reduce((all, { rows }) => all + (rows ?? 1), 0)

/** The failure of an erasure whose jobs are all kept; undefined where there are none. */
function noneErased(
  context: Context,
  answers: readonly Aside[],
  { ids = [], copies_only }: { ids?: readonly JobId[] | undefined; copies_only?: boolean },
): Failure | undefined {
  if (answers.every((answer) => keptBy(answer) === 0))
    return ids.length === 0
      ? undefined
      : new Failure(
          'not_found',
          `${copies_only ? 'no copy' : 'nothing'} is left of ${ids.length === 1 ? 'job' : 'jobs'} ${ids.join(', ')}; nothing was changed`,
        )
  const texts = answers.flatMap((answer) => keptTexts(context, answer))
  return new Failure('conflict', `${texts.join('; ')}; nothing was changed`)
}

/** What keeps jobs from the erasure, and the command that removes each hold. */
function keptTexts({ another }: Context, { passed_over, copies_left = [] }: Aside): string[] {
  const { running = 0, held = 0, needed = 0, holds = [] } = passed_over ?? {}
  const commands = holds.map(
    ({ id, undo_id, jobs }) =>
      `${jobsText(jobs)} by hold ${id}${undo_id === null ? '' : ` of undo ${undo_id}`}: ${another(['hold', 'remove', String(id)])}`,
  )
  return [
    ...(running > 0
      ? [`${jobsText(running)} running: passed over; run the command again when no worker has them`]
      : []),
    ...(needed > 0
      ? [
          `${jobsText(needed)} that the engine needs, or on which other jobs wait: passed over; end those first, or run the command again once they are done`,
        ]
      : []),
    ...(held > 0
      ? [`${jobsText(held)} kept by a hold: passed over${commands.length === 0 ? '' : ` (${commands.join('; ')})`}`]
      : []),
    ...copies_left.map(
      ({ table, rows }) =>
        `${rows === null ? 'copies that were not counted' : rows === 1 ? '1 copy' : `${groupedDigits(rows)} copies`} of jobs of ${escaped(table)}, which this server does not serve or whose column had another name then, stay in the archive: erase them at a server that serves the table with that map; where the table or the column has another name now, they go after JOBS_ARCHIVE_DAYS`,
    ),
  ]
}

/** What an erasure leaves, a note each. */
function notesOn(context: Context, { passed_over, named_in, copies_left }: Aside): string[] {
  const { unreadable = 0 } = passed_over ?? {}
  const { count, operations } = named_in ?? { count: 0, operations: [] }
  const ids = operations.slice(0, mostIds).join(', ')
  const them = count === 1 ? '1 record' : `${groupedDigits(count)} records`
  return [
    ...keptTexts(context, { passed_over, copies_left }).map((text) => `note: ${text}`),
    ...(unreadable > 0
      ? [`note: ${jobsText(unreadable)} in the archive with a compressed payload, which the server cannot read`]
      : []),
    ...(count > 0
      ? [
          `note: ${them} of earlier changes and their events name the value, and stay as they were sealed: operations ${ids}${count > mostIds ? ' and more' : ''}`,
        ]
      : []),
    ...(passed_over === null || named_in === null
      ? ['note: the search for running jobs, or for records that name the value, took too long and was left out']
      : []),
  ]
}
