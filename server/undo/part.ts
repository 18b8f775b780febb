import type { JobId } from '../../shared/work/job-key.ts'
import { idArray } from '../database/job-ids.ts'
import { inScope, type Narrowed } from '../database/scope.ts'
import type { Fragment, Sql } from '../database/sql.ts'

/** Which jobs of an operation an undo is about; all of them where no field is set. */
export interface Part extends Narrowed {
  ids?: readonly JobId[] | undefined
  /** Ids above the first number, up to the second one. */
  between?: readonly [JobId, JobId] | undefined
}

/**
 * An SQL fragment of conditions, each of which begins with `and`: true for jobs of the part.
 * @param id the column of the id
 */
export const inPart = (sql: Sql, { ids, between, ...scope }: Part, id: Fragment): Fragment => sql`
  ${inScope(sql, scope)}
  ${ids ? sql`and ${id} = any(${idArray(sql, ids)})` : sql``}
  ${between ? sql`and ${id} > ${between[0]}::job_id and ${id} <= ${between[1]}::job_id` : sql``}`
