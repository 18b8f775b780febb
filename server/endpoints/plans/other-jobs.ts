import type { Sql } from '../../database/sql.ts'
import { parsedRequest, type WholeRow } from './plan-row.ts'

type Applied = Pick<WholeRow, 'id' | 'kind' | 'operation_id'>

/** Whether a plan was applied, and to its first jobs only or to these before the others. */
export function wasAppliedInParts(row: WholeRow): row is WholeRow & { operation_id: number } {
  const { limit } = parsedRequest(row)
  return row.operation_id !== null && limit !== undefined && Number(limit) < row.jobs
}

/**
 * The operation that applied a plan to the jobs after its first ones. An operation that has failed before it changed a job has given its
 * token back, and does not count.
 */
export async function findRestOperation(sql: Sql, { id, kind, operation_id }: Applied): Promise<number | undefined> {
  const [others] = await sql<{ id: number }[]>`
    select id from job_operations
    where id > ${operation_id}::bigint and kind = ${kind} and filters #>> '{approval,plan}' = ${String(id)}
      and preview_id is not null
    limit 1`
  return others?.id
}
