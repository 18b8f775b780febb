import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'
import { inPart, type Part } from './part.ts'

/** Why an archived row, with the alias `jobs`, cannot be restored; null where it can. */
const obstacle = staticFragment(
  (sql) => sql`
  case
    when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken'
    when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken'
    when exists (
      select from jobs live
      where live.domain = jobs.domain and live.queue = jobs.queue and live.job_type = jobs.job_type
        and live.idempotency_key = jobs.idempotency_key
      offset 0
    ) then 'its idempotency key was used again'
  end`,
)

/** True for an archived row, with the alias `jobs`, that can be restored. */
export const canBeRestored = staticFragment((sql) => sql`(${obstacle(sql)}) is null`)

/** A query of the archived jobs of a part of an operation that cannot be restored, as `(job_id, reason)`. */
export const whyNotRestored = (sql: Sql, operation: number, part: Part): Fragment => sql`
  select job_id, reason
  from (
    select jobs.id as job_id, ${obstacle(sql)} as reason
    from jobs_archive as jobs
    where operation_id = ${operation}::bigint ${inPart(sql, part, sql`jobs.id`)}
  ) as checked
  where reason is not null`
