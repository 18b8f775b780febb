import type { BatchContext } from '../bulk/change/bulk-change.ts'
import { namesOf } from '../database/connection/schema-names.ts'
import type { Fragment, Pool, Sql } from '../database/sql.ts'

/** For how long an undo holds what it gives back. */
export interface HoldTerm {
  /** In ISO 8601; undefined means the term of the archive. */
  until: string | undefined
  /** The term of the archive, in days. */
  days: number
}

/** An SQL expression: until when an undo holds what it gives back. */
export const holdEnd = (sql: Sql, { until, days }: HoldTerm): Fragment =>
  sql`coalesce(${until ?? null}::text::timestamptz, now() + ${days}::int * interval '24 hours')`

interface Holding extends HoldTerm {
  /** The id of the operation that is undone. */
  undoes: number
}

/**
 * Defines the CTEs `hold` and `held`, by which the jobs of `restored`, a query of their ids, are held from prune and sweep: the same
 * prune in the next night would take them again. All batches of an undo share one hold. A hold over the operation that is undone is
 * taken over, since it no longer has these jobs. An id that is given back twice ends an optimistic batch: ON CONFLICT, which passes over it, takes
 * as long as the row.
 */
export const holdRestored = (
  sql: Sql,
  { operation, caller, reason, optimistic }: Pick<BatchContext, 'operation' | 'caller' | 'reason' | 'optimistic'>,
  { undoes, until, days, restored }: Holding & { restored: Fragment },
): Fragment => sql`
  hold as (
    insert into jobsctl_holds as known (undo_id, jobs, until, reason, caller, place)
    select
      ${operation}::bigint, count(*),
      greatest(
        ${holdEnd(sql, { until, days })},
        (select max(hold.until) from jobsctl_holds as hold where hold.operation_id = ${undoes}::bigint)
      ),
      ${reason ?? null}::text, ${caller}::text, ${namesOf(sql)?.place?.table ?? null}::text
    from (${restored}) as given_back
    having count(*) > 0
    on conflict (undo_id) do update set jobs = known.jobs + excluded.jobs
    returning id
  ),
  held as (
    insert into jobsctl_held_jobs (hold_id, job_ref)
    select hold.id, given_back.id
    from hold
    cross join (${restored}) as given_back
    ${optimistic ? sql`` : sql`on conflict do nothing`}
  )`

/** The hold of an undo, as the undo answers it; nothing where it gave nothing back. */
export async function readHold(sql: Pool, operation: number): Promise<{ hold_id?: number; held_until?: string }> {
  const [hold] = await sql<{ hold_id: number; held_until: string }[]>`
    select hold.id as hold_id, hold.until as held_until from jobsctl_holds as hold where hold.undo_id = ${operation}::bigint`
  return { ...hold }
}
