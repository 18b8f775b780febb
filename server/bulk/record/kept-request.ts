import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { serverName } from '../../call.ts'
import { Origin, readOrigin } from '../../database/installation/origin.ts'
import type { Sql } from '../../database/sql.ts'
import type { Running } from '../change/bulk-change.ts'
import { closedByAnother } from '../change/claim.ts'
import type { Commission } from '../change/commission.ts'

/** The request of a change that goes on without its caller, as the database keeps it until the change has ended. */
export const KeptRequest = z.object({
  /** The path of the endpoint, such as `/api/v1/jobs/prune`. */
  path: z.string(),
  /** The input as the caller sent it, with the fields of the path. */
  input: z.unknown(),
  former_caller: z.string().optional(),
  policy: z.object({ rule: z.string(), most: z.number() }).optional(),
  /** Of a plan: what its preview is bound to. */
  binding: z.object({ key: z.string(), seconds: z.number() }).optional(),
  /** The settings of the server that took the request: the change ends as it has begun, whichever server goes on with it. */
  archive: z.boolean(),
  quarantine_threshold: z.number(),
  /** The database in which it began; absent in requests of servers before 0.3.0. */
  origin: Origin.optional(),
})
export type KeptRequest = z.output<typeof KeptRequest>

type Detaching = Pick<
  Running,
  'sql' | 'operation' | 'archiveBeforeDelete' | 'quarantineThreshold' | 'formerCaller' | 'policy' | 'binding'
>

/**
 * Keeps the request of an operation, which from then on goes on without its caller.
 * @returns the hold of this server
 * @throws Failure `conflict` when another server has closed the record
 */
export async function keepRequest(
  { sql, operation, formerCaller, policy, binding, archiveBeforeDelete, quarantineThreshold }: Detaching,
  { path, input }: NonNullable<Commission['detach']>,
): Promise<string> {
  const hold = randomUUID()
  const kept: KeptRequest = {
    path,
    input,
    former_caller: formerCaller,
    policy,
    binding,
    archive: archiveBeforeDelete,
    quarantine_threshold: quarantineThreshold,
    origin: await readOrigin(sql),
  }
  const rows = await sql`
    insert into jobsctl_detached (operation_id, request, hold, server)
    select id, ${JSON.stringify(kept)}::text, ${hold}::uuid, ${serverName}::text
    from job_operations
    where id = ${operation}::bigint and state = 'running'
    returning operation_id`
  if (rows.length > 0) return hold
  throw closedByAnother()
}

/** Deletes the request of an operation that has ended. */
export const deleteRequest = (sql: Sql, operation: number) => sql`
  delete from jobsctl_detached where operation_id = ${operation}::bigint`

/** Deletes the requests of operations whose records a server of version 0.1.0 has closed, which does not know the table. */
export const deleteLeftRequests = (sql: Sql) => sql`
  delete from jobsctl_detached
  where not exists (select from job_operations where id = operation_id and state = 'running')`
