import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { Fault } from '../../../shared/errors.ts'
import type {
  complete,
  Finished,
  FinishItem,
  FinishResult,
  fail,
  finishMany,
  release,
} from '../../../shared/work/finish.ts'
import type { Call } from '../../call.ts'
import { afterChange } from '../../database/outcome-unknown.ts'
import { retryDeadlock } from '../../database/retry-deadlock.ts'
import type { Sql } from '../../database/sql.ts'
import { isLeaseOwner, leaseLost, lockedJob, singleResult } from '../../lifecycle/lease-owner.ts'
import { fieldOf, rejectFaults, rejectLarge } from '../../lifecycle/server-limits.ts'
import { settle } from '../../lifecycle/settle.ts'

export const completeJob = (call: Call, request: z.output<typeof complete.input>): Promise<Finished> =>
  finishOne(call, { ...request, action: 'complete' })

export const failJob = (call: Call, request: z.output<typeof fail.input>): Promise<Finished> =>
  finishOne(call, { ...request, action: 'fail' })

export const releaseJob = (call: Call, request: z.output<typeof release.input>): Promise<Finished> =>
  finishOne(call, { ...request, action: 'release' })

/** @throws Failure `not_found`, `lease_lost` or `conflict` when the job is not the caller's to finish */
const finishOne = async (call: Call, item: FinishItem): Promise<Finished> =>
  singleResult(await finish(call, [item], () => undefined))

/** Finishes jobs, each on its own: what became of one does not touch another. */
export const finishJobs = async (
  call: Call,
  { jobs }: z.output<typeof finishMany.input>,
): Promise<{ results: FinishResult[] }> => ({ results: await finish(call, jobs, (at) => at) })

async function finish(
  call: Call,
  items: readonly FinishItem[],
  place: (at: number) => number | undefined,
): Promise<FinishResult[]> {
  rejectFaults(items.flatMap((item, at) => tokenFaults(call, item, fieldOf('completion_token', place(at)))))
  for (const item of items) refuseLargeResult(call, item)
  const keyed = items.map((item) => ({ finish: keyOf(item), ...item }))
  const settled = await retryDeadlock(() => settle(call.sql, call, heldBy(call.sql, keyed)))
  call.reportChangedRows(settled.length)
  const results = new Map<number, FinishResult>(settled.map((job) => [job.id, { ok: true, ...job }]))
  const left = keyed.filter(({ id }) => !results.has(id))
  if (left.length > 0) {
    const told = await explain(call.sql, left).catch(afterChange(settled.length))
    for (const result of told) results.set(result.id, result)
  }
  return items.flatMap(({ id }) => results.get(id) ?? [])
}

function tokenFaults({ requireCompletionToken }: Call, { completion_token }: FinishItem, path: string): Fault[] {
  if (!requireCompletionToken || completion_token !== undefined) return []
  return [{ path, message: 'is required on this server (JOBS_REQUIRE_COMPLETION_TOKEN)' }]
}

/** @throws Failure `too_large` */
function refuseLargeResult({ maxJsonBytes: most }: Call, item: FinishItem): void {
  if (item.action === 'complete') rejectLarge(item.result, { of: `the result of job ${item.id}`, most })
  if (item.action === 'fail') rejectLarge(item.error_stack, { of: `the stack of job ${item.id}`, most })
}

/** What tells the same finish from another: by it, the event of a finish knows its repetitions. */
function keyOf({ action, worker_id, lease_id, completion_token }: FinishItem): string | undefined {
  if (completion_token === undefined) return undefined
  const parts = JSON.stringify([action, worker_id, lease_id, completion_token])
  return createHash('sha256').update(parts).digest('hex').slice(0, 32)
}

type Keyed = FinishItem & { finish: string | undefined }

const columns = `
  id bigint, action text, worker_id text, lease_id text, completion_token text, finish text, result jsonb, error text,
  error_code text, error_class text, error_stack jsonb, retryable boolean, backoff_seconds float8`

/** The jobs that are still their workers' own, locked in the order of their ids, so that two calls do not wait for each other. */
const heldBy = (sql: Sql, items: readonly Keyed[]) => sql`
  select
    job.id, job.retry_count, job.max_retries, job.failure_streak_code, job.failure_streak_count, job.cancel_requested_at,
    job.worker_id as held_by, asked.action, asked.completion_token, asked.finish, asked.result, asked.error,
    asked.error_code, asked.error_class, asked.error_stack, asked.retryable, asked.backoff_seconds
  from (
    select * from jsonb_to_recordset(${JSON.stringify(items)}::text::jsonb) as item (${sql.unsafe(columns)}) order by id
  ) as asked
  cross join lateral (${lockedJob(sql, sql`asked.id`)}) as job
  where ${isLeaseOwner(sql)}`

interface Told {
  id: number
  status: string | null
  /** The row itself says that this very finish has been, should its event be gone. */
  same: boolean
  /** This very lease was finished otherwise. */
  otherwise: boolean
  event_type: string | null
  retry_count: number | null
  available_at: string | null
}

/** Why these were not settled: the same finish has been, or the lease is somebody else's, or the job is gone. */
async function explain(sql: Sql, items: readonly Keyed[]): Promise<FinishResult[]> {
  const told = await sql<Told[]>`
    select
      asked.id, job.status, earlier.event_type,
      coalesce(earlier.retry_count, job.retry_count) as retry_count, earlier.available_at,
      coalesce(
        job.lease_id = asked.lease_id and job.worker_id = asked.worker_id
          and job.completion_token = asked.completion_token and job.status = case asked.action when 'complete' then 'completed' when 'fail' then 'failed' end,
        false
      ) as same,
      coalesce(
        job.lease_id = asked.lease_id and (job.completion_token is not null or job.status = 'completed'), false
      ) as otherwise
    from jsonb_to_recordset(${JSON.stringify(items)}::text::jsonb) as asked (
      id bigint, action text, worker_id text, lease_id text, completion_token text, finish text
    )
    left join lateral (
      select status, worker_id, lease_id, completion_token, retry_count from jobs where jobs.id = asked.id offset 0
    ) as job on true
    left join lateral (
      select
        event_type, (attrs_json ->> 'retry_count')::int as retry_count, attrs_json ->> 'available_at' as available_at
      from job_events
      where job_id = asked.id and attrs_json ->> 'finish' = asked.finish
      limit 1
    ) as earlier on true`
  return told.map(resultOf)
}

const statuses: ReadonlyMap<string, string> = new Map([
  ['job.completed', 'completed'],
  ['job.failed', 'failed'],
  ['job.quarantined', 'quarantined'],
  ['job.cancelled', 'cancelled'],
])

function resultOf({ id, status, same, otherwise, event_type, ...then }: Told): FinishResult {
  const retry_count = then.retry_count ?? 0
  if (event_type !== null) {
    return { ok: true, id, status: statuses.get(event_type) ?? 'queued', retry_count, available_at: then.available_at }
  }
  if (status === null) return { ok: false, id, code: 'not_found', detail: `there is no job ${id}` }
  if (same) return { ok: true, id, status, retry_count, available_at: null }
  if (!otherwise) return leaseLost(id)
  const detail = `job ${id} is ${status} already, by another finish; nothing was changed`
  return { ok: false, id, code: 'conflict', detail }
}
