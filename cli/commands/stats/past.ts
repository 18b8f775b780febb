import { Failure } from '../../../shared/errors.ts'
import type { GroupStats } from '../../../shared/queues/stats.ts'
import type { Scope } from '../../../shared/scope.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { spanText } from '../../../shared/times/time-and-size.ts'
import type { Context } from '../../context.ts'
import { noteUnknownScope, refuseUnknownScope } from '../../guard/known-scope.ts'
import type { Ending } from '../../output/print.ts'
import type { Column } from '../../output/table.ts'
import { describeAnyOf } from '../../settings/flags/scope-flags.ts'
import { clockHeading, readerZone } from '../../text/clock.ts'
import { groupedDigits, sumOf } from '../../text/numbers.ts'
import { isoTime } from '../../text/times.ts'
import { columns, columnsForPeople, countsOf, failed, type Group, pastColumns } from './columns.ts'

interface Past {
  scope: Scope
  /** The moment that was asked for. */
  at: string
  rows: readonly GroupStats[]
  json: unknown
  mustExist: boolean
}

/** Stands behind the numbers of a table: each is a lower bound. */
const leastColumn: Column<Group> = { title: '', value: () => 'at least', paint: () => 'yellow', gives: 'never' }

/** An age of the counts that is told: they are written once a minute. */
const toldAfterMs = 90_000

/**
 * Prints the counts of a moment in the past below the moment; lower bounds are marked, and why there are no others is said.
 * @throws Failure `not_supported` for counts without a moment: another server than jobs-server passes over `at`, and answers those of now
 */
export async function showPast(context: Context, { scope, at, rows, json, mustExist }: Past): Promise<Ending> {
  const { print, io } = context
  if (rows.some(({ as_of, at_least }) => as_of === undefined && at_least === undefined))
    throw new Failure('not_supported', 'this server keeps no counts of the past, and has answered those of now', {
      hint: 'leave out --at for the counts of now; jobs-server keeps those of the past from version 0.3.0 on',
    })
  if (rows.length === 0 && mustExist) await refuseUnknownScope(context, scope)
  const zone = readerZone(io)
  const [first] = rows
  if (print.forPeople) print.aside(clockHeading(at, { zone, now: Date.now() }))
  if (print.forPeople && first) for (const note of notesOn(first, at)) print.aside(note)
  print.rows({
    columns: [...columns(rows), ...pastColumns],
    more: countsOf(rows).includes(failed) ? [] : [{ ...failed, value: () => '' }],
    forPeople: [...columnsForPeople(rows), ...(first?.at_least === undefined ? [] : [leastColumn])],
    rows,
    json,
    empty: `no jobs are known then in ${describeAnyOf(scope)}`,
  })
  if (!print.forPeople) return 'ok'
  if (!first) await noteUnknownScope(context, scope)
  else print.aside(`\n${sums(rows)}`)
  return 'ok'
}

function notesOn({ as_of, at_least }: GroupStats, at: string): string[] {
  if (at_least !== undefined)
    return [`note: at least these jobs were there, since nobody has changed them; ${escaped(at_least)}`]
  const early = as_of === undefined ? 0 : Date.parse(at) - Date.parse(as_of)
  if (early <= toldAfterMs) return []
  return [`note: counted ${spanText(early / 1000)} before, at ${isoTime(as_of ?? '')}; nothing was written in between`]
}

const sums = (rows: readonly GroupStats[]): string =>
  (['queued', 'scheduled', 'processing', 'quarantined'] as const)
    .map(
      (state) =>
        `${rows[0]?.at_least === undefined ? '' : 'at least '}${groupedDigits(sumOf(rows.map((row) => row[state])))} ${state}`,
    )
    .join(', ')
