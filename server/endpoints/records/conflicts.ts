import { undoOf } from '../../../shared/changes/kinds.ts'
import type { Conflict } from '../../../shared/changes/undo.ts'
import type { OperationRecord } from '../../../shared/records/records.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Reading } from '../../call.ts'
import { beforeIds, hasKeys } from '../../database/job-ids.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { rejectFaults } from '../../lifecycle/server-limits.ts'
import { withDomainNow } from '../../undo/engine/place-of-operation.ts'
import { requireServed } from '../../undo/require-served.ts'
import { hasKeptRows, wayBack } from '../../undo/way-back.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { recordOf } from './records.ts'

/** How many kept jobs one call reads. */
const pageSize = 10_000

/**
 * The jobs of an operation, or of a scope of it, that an undo cannot give back now.
 * @throws Failure `not_found`; `conflict` for an operation that runs or cannot be undone
 */
export const listConflicts = (call: Reading, asked: InputOf<'listConflicts'>): Promise<OutputOf<'listConflicts'>> =>
  pageOfConflicts(call, asked, pageSize)

/** The same with another number of kept jobs that one call reads. */
export async function pageOfConflicts(
  { sql, within }: Reading,
  { id, after_id, ...scope }: InputOf<'listConflicts'>,
  size: number,
): Promise<OutputOf<'listConflicts'>> {
  const after = after_id === 0 ? beforeIds(sql) : after_id
  if (typeof after === 'string' && !hasKeys(sql))
    rejectFaults([{ path: 'after_id', message: 'must be a whole number' }])
  const record = await withDomainNow(sql, await recordOf({ sql, within }, id))
  const part = (last: JobId) => ({ ...scope, within, between: [after, last] as const })
  const way = (last: JobId) =>
    wayBack(record, { part: part(last), rejected: new Map(), hold: { until: undefined, days: 0 } })
  way(after)
  await requireServed(sql, record)
  if (!(await hasKeptRows(sql, id))) return { conflicts: [], next_after_id: null }
  return sql.begin(async (tx) => {
    await tx`select ${limitReadTime(tx)}`
    const { last, looked } = await endOfPage(tx, record, { after, size })
    if (last === null) return { conflicts: [], next_after_id: null }
    const conflicts = await tx<Conflict[]>`
      select job_id, reason from (${way(last).conflicts(tx)}) as refused order by job_id`
    return { conflicts: [...conflicts], next_after_id: looked === size ? last : null }
  })
}

/** The last id of the page, which is null where no job is kept, and the number of its jobs. */
async function endOfPage(tx: Sql, { id, kind }: OperationRecord, { after, size }: { after: JobId; size: number }) {
  // A prune keeps images of the jobs that it has cancelled along.
  const archived = tx`union all select id from jobs_archive where operation_id = ${id}::bigint`
  const [row] = await tx<[{ last: JobId | null; looked: number }]>`
    select max(job) as last, count(*) as looked
    from (
      select job
      from (
        select job_ref as job from job_operation_rows where operation_id = ${id}::bigint
        ${undoOf(kind) === 'archive' ? archived : tx``}
      ) as kept
      where job > ${after}::job_id ${hasKeys(tx) ? tx`` : tx`and job <= ${Number.MAX_SAFE_INTEGER}::bigint`}
      order by job
      limit ${tx.unsafe(String(size))}
    ) as page`
  return row
}
