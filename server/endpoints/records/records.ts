import type * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type {
  getOperation as getting,
  listOperations as listing,
  OperationRecord,
  verifyOperations as verifying,
} from '../../../shared/records/records.ts'
import { readChainHead, verifyChain } from '../../bulk/verify-chain.ts'
import type { Call } from '../../call.ts'
import { inScope } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { staticFragment } from '../../database/static-fragment.ts'
import { hasArchive } from '../../undo/archive.ts'

const columns = staticFragment(
  (sql) => sql`
  id, kind, state, domain, queue, job_type, filters, as_of, caller, reason, request_id, idempotency_key, previewed, affected,
  case when state <> 'running' then previewed - affected end as skipped,
  skipped_locked, batches, counts, error, started_at, ended_at, undoes, undone_by, hash`,
)

/** The records of bulk changes, the newest first. */
export const listOperations = async (
  { sql }: Call,
  request: z.output<typeof listing.input>,
): Promise<OperationRecord[]> => [
  ...(await sql<OperationRecord[]>`
    select ${columns(sql)}
    from job_operations
    where id < ${request.before_id}::bigint
      ${request.kind ? sql`and kind = ${request.kind}` : sql``}
      ${request.state ? sql`and state = ${request.state}` : sql``}
      ${inScope(sql, request)}
    order by id desc
    limit ${request.limit}`),
]

/**
 * One record, and the present states of its jobs.
 * @throws Failure `not_found`
 */
export async function getOperation(
  { sql }: Call,
  { id }: z.output<typeof getting.input>,
): Promise<z.output<typeof getting.output>> {
  const record = await recordOf(sql, id)
  const archived = sql`
    union all
    select 'archived', count(*) from jobs_archive where operation_id = ${id}::bigint having count(*) > 0`
  const [{ now }] = await sql<[{ now: Record<string, number> }]>`
    select coalesce(jsonb_object_agg(status, count), '{}') as now
    from (
      select coalesce(job.status, 'gone') as status, count(*) as count
      from job_operation_rows kept
      left join lateral (select status from jobs where jobs.id = kept.job_id offset 0) as job on true
      where operation_id = ${id}::bigint
      group by 1
      ${(await hasArchive(sql)) ? archived : sql``}
    ) as states`
  return { ...record, now }
}

/** @throws Failure `not_found` */
export async function recordOf(sql: Sql, id: number): Promise<OperationRecord> {
  const [record] = await sql<OperationRecord[]>`select ${columns(sql)} from job_operations where id = ${id}::bigint`
  if (record) return record
  throw new Failure('not_found', `there is no operation ${id}`, { hint: 'jobsctl operations lists them' })
}

/** Checks the hash chain of the records, and looks for a hash that the caller kept. */
export async function verifyOperations(
  { sql }: Call,
  { expect }: z.output<typeof verifying.input>,
): Promise<z.output<typeof verifying.output>> {
  const days = await verifyChain(sql)
  const { head, expected } = await readChainHead(sql, expect)
  const isIntact = days.every(({ broken, missing }) => broken.length === 0 && missing === 0)
  return {
    ok: isIntact && expected !== false,
    operations: days.reduce((sum, { operations }) => sum + operations, 0),
    days: [...days],
    head,
    ...(expected !== null && { expected }),
  }
}
