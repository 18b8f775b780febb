import type { PruneGroup, PruneRequest, PruneResult } from '../../shared/prune.ts'
import type { Sql } from '../database/sql.ts'
import { type Call, referenceTime, referenceTimeText } from './call.ts'
import { change } from './change.ts'
import { cascade, droppedSteps } from './dependents.ts'
import { inScope } from './scope.ts'
import { tellSteps } from './steps.ts'

/** When a finished job ended, by the first of its times that is set; an index holds this expression. */
const ended = (sql: Sql) => sql`coalesce(completed_at, cancelled_at, quarantined_at, created_at)`

/** The finished jobs in scope; the literal list is what lets the partial index serve. */
const finished = (sql: Sql, request: PruneRequest) => sql`
  status in ('completed', 'failed', 'cancelled', 'quarantined')
  and status = any(${request.statuses})
  ${inScope(sql, request)}`

const pastRetention = (sql: Sql, call: Call, { older_than_days }: PruneRequest) => sql`
  ${ended(sql)} < ${referenceTime(sql, call)} - ${older_than_days}::int * interval '24 hours'`

/** The only definition of prunable: the preview counts it, and the delete deletes it. */
const prunable = (sql: Sql, call: Call, request: PruneRequest) => sql`
  ${finished(sql, request)} and ${pastRetention(sql, call, request)}`

/** Deletes finished jobs past their retention, and what hangs on them: all of them, or none. */
export async function prune(call: Call, request: PruneRequest): Promise<PruneResult> {
  if (request.dry_run) return preview(call, request)
  return change(call, {
    event: 'jobs.pruned',
    name: 'prune',
    filters: request,
    count: async (tx) => (await count(tx, call, request)).deleted,
    apply: (tx) => remove(tx, call, request),
    touched: ({ deleted }) => deleted,
  })
}

/** The count, and what was asked for beside it, of one moment. */
async function preview(call: Call, request: PruneRequest): Promise<PruneResult> {
  const { detail_top_k, include_kept } = request
  const { deleted, as_of, ...more } = await call.sql.begin('isolation level repeatable read read only', async (tx) => ({
    ...(await count(tx, call, request)),
    ...(detail_top_k > 0 && { groups: await groups(tx, call, request) }),
    ...(include_kept && { kept: await kept(tx, call, request) }),
  }))
  call.previewed(as_of)
  return { deleted, ...more }
}

async function count(sql: Sql, call: Call, request: PruneRequest) {
  const [row] = await sql<[{ deleted: number; as_of: string }]>`
    select count(*) as deleted, ${referenceTimeText(sql, call)} as as_of
    from jobs
    where ${prunable(sql, call, request)}`
  return row
}

async function kept(sql: Sql, call: Call, request: PruneRequest): Promise<number> {
  const [row] = await sql<[{ kept: number }]>`
    select count(*) as kept
    from jobs
    where ${finished(sql, request)} and (${pastRetention(sql, call, request)}) is not true`
  return row.kept
}

async function groups(sql: Sql, call: Call, request: PruneRequest): Promise<PruneGroup[]> {
  const goes = pastRetention(sql, call, request)
  const withKept = sql`,
    count(*) filter (where (${goes}) is not true) as keep,
    to_char(min(${ended(sql)}) filter (where ${goes}) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as oldest`
  return sql<PruneGroup[]>`
    select
      domain, queue, job_type, status,
      count(*) filter (where ${goes}) as count
      ${request.include_kept ? withKept : sql``}
    from jobs
    where ${request.include_kept ? finished(sql, request) : prunable(sql, call, request)}
    group by domain, queue, job_type, status
    having count(*) filter (where ${goes}) > 0
    order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
    limit ${request.detail_top_k}`
}

async function remove(tx: Sql, call: Call, request: PruneRequest): Promise<PruneResult> {
  const [row] = await tx<[{ deleted: number }]>`
    with recursive
    gone as (
      delete from jobs
      where ${prunable(tx, call, request)}
      returning id, uuid, status
    ),
    -- With the edge goes what would have told a waiting job that it can never run.
    ended as (select uuid, status from gone),
    ${cascade(tx)},
    told as (${tellSteps(tx, call, droppedSteps(tx))}),
    attachments as (
      delete from job_attachments where job_id in (select id from gone)
    ),
    dependencies as (
      delete from job_dependencies where job_uuid in (select uuid from gone)
    ),
    dependents as (
      delete from job_dependencies where depends_on_job_uuid in (select uuid from gone)
    )
    select count(*) as deleted from gone`
  return row
}
