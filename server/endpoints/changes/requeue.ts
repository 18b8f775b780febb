import type * as z from 'zod'
import { requeue as operation, type RequeueRequest } from '../../../shared/changes/requeue.ts'
import type { BatchContext, BatchCounts, BulkChange, CompletedChange, JobSet } from '../../bulk/bulk-change.ts'
import { previewChange } from '../../bulk/preview/preview.ts'
import { readSigningKey, signToken } from '../../bulk/preview/preview-token.ts'
import { isUnchangedSince } from '../../bulk/preview/snapshot.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { Selection } from '../../bulk/selection.ts'
import type { Call } from '../../call.ts'
import { hasIdAmong } from '../../database/planner-hints.ts'
import { inScope } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { insertEvents, notifyQueues } from '../../lifecycle/job-events.ts'
import { pickedAndUpdated, rowImage, saveRowImages } from '../../undo/row-images.ts'

type RequeueResult = z.output<typeof operation.output>

/** True for jobs that the requeue puts back; the preview and the change share this condition. */
const requeueable = (sql: Sql, set: JobSet, request: RequeueRequest) => sql`
  status = 'quarantined'
  ${inScope(sql, request)}
  ${request.job_id === undefined ? sql`` : sql`and id = ${request.job_id}::bigint`}
  and ${isUnchangedSince(sql, set.snapshot)}`

/**
 * Puts quarantined jobs back in the queue, with no failed attempt on record.
 * @throws Failure as `runBulkChange` does
 */
export async function requeue(call: Call, request: RequeueRequest): Promise<RequeueResult> {
  const bulk = bulkOf(request)
  if (!request.dry_run) return runBulkChange(call, bulk)
  const { preview: previewed } = await previewChange(call, bulk)
  const named = previewed.count === 0 ? await listNotMatched(call.sql, request) : {}
  return { affected: previewed.count, ...named, preview: previewed }
}

/** The status of the job that the request names, in any scope; nothing where the request names no job. */
async function listNotMatched(
  sql: Sql,
  { job_id }: Pick<RequeueRequest, 'job_id'>,
): Promise<Pick<RequeueResult, 'not_matched'>> {
  if (job_id === undefined) return {}
  const [job] = await sql<{ status: string }[]>`select status from jobs where id = ${job_id}::bigint`
  return { not_matched: [{ id: job_id, status: job?.status ?? null }] }
}

function bulkOf(request: RequeueRequest): BulkChange<RequeueResult> {
  const { domain, queue, job_type, job_id, max, limit, preview_token } = request
  const filters = { domain, queue, job_type, job_id }
  return {
    kind: 'requeue',
    name: 'requeue',
    event: 'jobs.requeued',
    scope: request,
    filters,
    request: { ...filters, max, limit },
    max,
    previewToken: preview_token,
    limit,
    matching: (sql, set) => sql`from jobs where ${requeueable(sql, set, request)}`,
    time: (sql) => sql`quarantined_at`,
    restorable: (sql) => sql`true`,
    batch: (tx, context, selection) => requeueJobs(tx, context, { request, selection }),
    affected: ({ affected = 0 }) => affected,
    ownAnswer: async (done) => ({
      affected: done.counts.affected ?? 0,
      ...(limit !== undefined && (await listRequeued(done, filters))),
      ...((done.counts.affected ?? 0) === 0 && (await listNotMatched(done.sql, request))),
    }),
    output: operation.output,
  }
}

/** The ids of the requeued jobs, and a token for the other jobs of the preview, where the request has a `limit`. */
async function listRequeued(done: CompletedChange, filters: object) {
  const { sql, operation, caller, previewed } = done
  const { affected = 0 } = done.counts
  const rows = await sql<{ job_id: number }[]>`
    select job_id from job_operation_rows where operation_id = ${operation}::bigint order by job_id`
  const job_ids = rows.map(({ job_id }) => job_id)
  if (!previewed || previewed.count <= affected) return { job_ids }
  const { as_of, snapshot, count } = previewed
  const rest = { as_of, snapshot, count: count - affected }
  return { job_ids, rest_token: signToken(await readSigningKey(sql), { kind: 'requeue', filters, caller }, rest) }
}

interface Requeue {
  request: RequeueRequest
  selection: Selection
}

/** Clears also the traces of an earlier end or cancel request, which would keep the job from running or finishing. */
async function requeueJobs(tx: Sql, context: BatchContext, { request, selection }: Requeue): Promise<BatchCounts> {
  const [row] = await tx<[{ affected: number }]>`
    with picked as materialized (
      select id, ${rowImage(tx)} as before
      from jobs
      where ${selection.matches(tx, requeueable(tx, context, request))}
      for update skip locked
    ),
    updated as (
      update jobs
      set status = 'queued', available_at = now(), retry_count = 0,
          failure_streak_code = null, failure_streak_count = 0, quarantined_at = null,
          leased_until = null, lease_id = null, worker_id = null,
          completed_at = null, completion_token = null,
          cancel_requested_at = null, cancelled_at = null, cancellation_reason = null
      where ${hasIdAmong(tx, tx`select id from picked`)}
      returning jobs.id, domain, queue, job_type, owner_user_id, trace_id, ${rowImage(tx)} as after
    ),
    row_images as (${saveRowImages(tx, context, pickedAndUpdated(tx))}),
    events as (${insertEvents(tx, context, tx`select *, 'job.requeued' as event_type, '{}'::jsonb as attrs from updated`)}),
    notified as (${notifyQueues(tx, tx`select domain, queue from updated`)})
    select count(updated.id) as affected
    from updated
    left join notified on true`
  return row
}
