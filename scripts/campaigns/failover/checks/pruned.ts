import type { Sql } from 'postgres'
import type { Outcome } from '../../trust/calls.ts'
import { checkRecords, checkResponses, operationsSince, untilEnded } from '../../trust/records.ts'
import type { Verdict } from '../../verdict.ts'
import { filled } from '../fill.ts'

interface Looking {
  sql: Sql
  /** How many jobs there were, and how many of them the prune deletes. */
  before: number
  rows: number
  outcomes: readonly Outcome<unknown>[]
  /** Nothing of what the callers were told may have been lost since. */
  lossless: boolean
}

/** The records of the prune, its archive and the rows that are left agree, and so do the answers. */
export async function checkPrune({ sql, before, rows, outcomes, lossless }: Looking): Promise<Verdict> {
  const found: string[] = []
  const wrong = (what: string) => void found.push(what)
  await untilEnded({ sql, reportViolation: wrong })
  const operations = await operationsSince({ sql }, 0)
  checkRecords({ reportViolation: wrong }, operations)
  if (lossless) checkResponses({ reportViolation: wrong }, outcomes, operations)
  if (outcomes.at(-1)?.code !== undefined) wrong(`the prune did not go on: ${outcomes.at(-1)?.detail}`)
  const affected = operations.reduce((sum, operation) => sum + operation.affected, 0)
  const [{ left, archived, both }] = await sql<[{ left: number; archived: number; both: number }]>`
    select
      (select count(*)::int from jobs where domain = ${filled}) as left,
      (select count(*)::int from jobs_archive where domain = ${filled}) as archived,
      (select count(*)::int from jobs join jobs_archive using (uuid)) as both`
  if (affected !== rows) wrong(`the records tell of ${affected} jobs, not of ${rows}`)
  if (archived !== affected) wrong(`${archived} jobs are in the archive, and ${affected} were deleted`)
  if (affected + left !== before) wrong(`${affected} jobs were deleted and ${left} are left of ${before}`)
  if (both > 0) wrong(`${both} jobs are in the archive and still there`)
  return { claim: 'the record of the prune, its archive and the rows agree', looked: before, wrong: found }
}
