import type * as z from 'zod'
import { Failure } from '../../shared/errors.ts'
import type {
  getOperation as getting,
  listOperations as listing,
  OperationRecord,
  storage as storing,
  verifyOperations as verifying,
} from '../../shared/records.ts'
import { fixed } from '../database/fixed.ts'
import type { Sql } from '../database/sql.ts'
import { archiveLacks, hasArchive } from './archive.ts'
import type { Call } from './call.ts'
import { verify } from './chain.ts'
import { inScope } from './scope.ts'

const columns = fixed(
  (sql) => sql`
  id, kind, state, domain, queue, job_type, filters, as_of, caller, reason, request_id, idempotency_key, previewed, affected,
  case when state <> 'running' then previewed - affected end as skipped,
  skipped_locked, batches, counts, error, started_at, ended_at, undoes, undone_by, hash`,
)

/** The records of operators' changes, the newest first. */
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
 * One record, and what has become of its jobs.
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

/** Whether the records are as they were sealed. */
export async function verifyOperations({ sql }: Call): Promise<z.output<typeof verifying.output>> {
  const days = await verify(sql)
  return {
    ok: days.every(({ broken, missing }) => broken.length === 0 && missing === 0),
    operations: days.reduce((sum, { operations }) => sum + operations, 0),
    days: [...days],
  }
}

/** What the jobs and their history take up, as the statistics of the database have it. */
export async function storage({
  sql,
  archiveBeforeDelete,
  archiveDays,
}: Call): Promise<z.output<typeof storing.output>> {
  const archive_lacks = await archiveLacks(sql)
  const oldestArchived = sql`
    select archived_at from jobs_archive where operation_id is not null order by operation_id, id limit 1`
  const tables = await sql<z.output<typeof storing.output>['tables']>`
    select relname as table, rows, bytes, oldest
    from (
      select
        relname,
        coalesce(nullif(pg_stat_get_live_tuples(oid), 0), greatest(reltuples, 0)::bigint) as rows,
        pg_total_relation_size(oid) as bytes,
        case relname
          when 'jobs' then (select created_at from jobs order by id limit 1)
          when 'job_events' then (select created_at from job_events order by id limit 1)
          when 'job_operations' then (select started_at from job_operations order by id limit 1)
          when 'jobs_archive' then ${archive_lacks.length === 0 ? sql`(${oldestArchived})` : sql`null`}
        end as oldest,
        at
      from unnest(array['jobs', 'jobs_archive', 'job_events', 'job_operations', 'job_operation_rows']) with ordinality as named (name, at)
      join pg_class on pg_class.oid = to_regclass(name)
    ) as measured
    order by at`
  return { archive_before_delete: archiveBeforeDelete, archive_lacks, archive_days: archiveDays, tables: [...tables] }
}
