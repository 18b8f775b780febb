import type { Waiting } from '../../../shared/changes/waiting.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { type StopRequest, stopRequest } from '../change/stop-request.ts'

/** An SQL expression over a row of `job_operations`: what a running operation waits for, null while it waits for nothing. */
export const waitingOf = staticFragment(
  (sql): Fragment => sql`(
    select waiting from jobsctl_waits where operation_id = job_operations.id and state = 'running'
  )`,
)

/**
 * Writes what a running operation waits for.
 * @returns the request to stop it, where there is one
 */
export async function writeWaiting(sql: Sql, id: number, waiting: Waiting): Promise<StopRequest | undefined> {
  const [record] = await sql<{ stop: StopRequest | null }[]>`
    with record as (
      select id, ${stopRequest(sql)} as stop from job_operations where id = ${id}::bigint and state = 'running'
    ),
    written as (
      insert into jobsctl_waits (operation_id, waiting)
      select id, ${JSON.stringify(waiting)}::text::jsonb from record
      on conflict (operation_id) do update set waiting = excluded.waiting, written_at = now()
    )
    select stop from record`
  return record?.stop ?? undefined
}

/** Deletes it when the operation goes on, or has ended. */
export const deleteWaiting = (sql: Sql, id: number) => sql`delete from jobsctl_waits where operation_id = ${id}::bigint`
