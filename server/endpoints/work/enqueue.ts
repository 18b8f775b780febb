import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type { EnqueuedJob, enqueueBatch, NewJob } from '../../../shared/work/enqueue.ts'
import type { Job } from '../../../shared/work/job.ts'
import type { Call } from '../../call.ts'
import { isUniqueViolation } from '../../database/failure.ts'
import { afterChange } from '../../database/outcome-unknown.ts'
import { retryDeadlock } from '../../database/retry-deadlock.ts'
import type { Sql } from '../../database/sql.ts'
import { refuseCycles } from '../../lifecycle/dependency-cycles.ts'
import { failedEnds } from '../../lifecycle/dependents.ts'
import { insertEvents, notifyQueues, wireTime } from '../../lifecycle/job-events.ts'
import { hasKeyOf, isJob, jobColumns, type PerhapsJob } from '../../lifecycle/job-row.ts'
import { cancelLateDependents } from '../../lifecycle/late-dependents.ts'
import { rejectLarge } from '../../lifecycle/server-limits.ts'

/** Takes a job in, or finds the one that is there under its idempotency key. */
export async function enqueueJob(call: Call, job: NewJob): Promise<EnqueuedJob> {
  const [enqueued] = await enqueue(call, [job])
  if (!enqueued) throw new Failure('internal', 'the job is not there after it was taken in')
  return enqueued
}

/** Takes jobs in: all of them, or none. */
export const enqueueJobs = async (
  call: Call,
  { jobs }: z.output<typeof enqueueBatch.input>,
): Promise<{ jobs: EnqueuedJob[] }> => ({ jobs: await enqueue(call, jobs) })

/** A job on its way in, with its place in the request. */
type Entry = NewJob & { n: number; uuid: string }

const tries = 5

async function enqueue(call: Call, jobs: readonly NewJob[]): Promise<EnqueuedJob[]> {
  for (const [n, { payload }] of jobs.entries()) {
    const of = jobs.length === 1 ? 'the payload' : `the payload of jobs.${n}`
    rejectLarge(payload, { of, most: call.maxJsonBytes })
  }
  let left: Entry[] = jobs.map((job, n) => ({ n, uuid: randomUUID(), ...job }))
  await refuseCycles(call.sql, left)
  const enqueued = new Map<number, EnqueuedJob>()
  // A job that is there under a key may be deleted before it is read; then the key is free again.
  for (let tried = 0; left.length > 0 && tried < tries; tried++) {
    // Beside another program's unique index PostgreSQL may complain of the key before it looks at ours: then it is there.
    const added = await takeIn(call, left).catch((error: unknown) => {
      if (!isUniqueViolation(error) || tried === tries - 1) throw error
      return []
    })
    for (const { job, n } of added) enqueued.set(n, Object.assign(job, { created: true }))
    left = left.filter(({ n }) => !enqueued.has(n))
    const there = await find(call.sql, left).catch(afterChange(enqueued.size))
    for (const { job, n } of there) enqueued.set(n, Object.assign(job, { created: false }))
    left = left.filter(({ n }) => !enqueued.has(n))
  }
  if (left.length > 0) throw new Failure('conflict', whyNot(left))
  await lookAgain(call, enqueued, jobs).catch(afterChange(enqueued.size))
  call.reportChangedRows([...enqueued.values()].filter(({ created }) => created).length)
  return jobs.flatMap((_, n) => enqueued.get(n) ?? [])
}

/** What is needed may have ended badly in the very moment: a job of which that is so is told as it is now. */
async function lookAgain(call: Call, enqueued: Map<number, EnqueuedJob>, jobs: readonly NewJob[]): Promise<void> {
  const waiting = [...enqueued].filter(
    ([n, { created, status }]) => created && status === 'queued' && jobs[n]?.depends_on,
  )
  const needs = waiting.flatMap(([n]) => jobs[n]?.depends_on ?? [])
  if (needs.length === 0) return
  const dropped = new Set(await cancelLateDependents(call, needs))
  for (const [n, { id, uuid }] of waiting) {
    if (uuid === null || !dropped.has(uuid)) continue
    const [now] = await call.sql<PerhapsJob[]>`select ${jobColumns(call.sql)} from jobs where id = ${id}::bigint`
    if (now && isJob(now)) enqueued.set(n, Object.assign(now, { created: true }))
  }
}

function whyNot(left: readonly Entry[]): string {
  if (left.every(({ idempotency_key }) => idempotency_key !== undefined))
    return 'the jobs under these keys come and go; try again'
  return 'a trigger of another program takes no such job, and does not say why'
}

interface Found {
  n: number
  job: Job
}

const columns = `
  n int, uuid text, domain text, queue text, job_type text, payload jsonb, owner_user_id text, priority int,
  max_retries int, available_at timestamptz, idempotency_key text, batch_group text, depends_on text[], project_id int`

interface Refusal {
  why: 'draining' | 'unknown'
  what: string
}

/** One statement, and so all or none; a job whose key is taken is left out of what it returns. */
async function takeIn(call: Call, entries: readonly Entry[]): Promise<Found[]> {
  const { sql } = call
  const rows = await retryDeadlock(
    () => sql<({ refused: Refusal[] | null } & PerhapsJob)[]>`
      with asked as materialized (
        select * from jsonb_to_recordset(${JSON.stringify(entries)}::text::jsonb) as job (${sql.unsafe(columns)})
      ),
      -- What is there already is answered as it is, even where nothing new is taken in.
      fresh as materialized (
        select *
        from asked
        where idempotency_key is null or not exists (
          select from jobs where ${hasKeyOf(sql, sql`asked`)} offset 0
        )
      ),
      edges as materialized (
        select asked.n, asked.uuid, edge.uuid as needs, needed.status
        from fresh as asked
        cross join unnest(asked.depends_on) as edge (uuid)
        left join lateral (select status from jobs where jobs.uuid = edge.uuid offset 0) as needed on true
      ),
      refused as materialized (
        select distinct 'draining' as why, domain || '/' || queue as what
        from fresh
        join job_queue_controls using (domain, queue)
        where drain
        union all
        select distinct 'unknown', needs from edges where status is null
      ),
      added as (
        insert into jobs (
          uuid, domain, queue, job_type, payload, owner_user_id, priority, max_retries, retry_count, available_at,
          idempotency_key, batch_group, project_id, request_id, status, cancelled_at, cancellation_reason
        )
        select
          uuid, domain, queue, job_type, payload, owner_user_id, priority, max_retries, 0, available_at,
          idempotency_key, batch_group, project_id, ${call.requestId}::text,
          case when ended.status is null then 'queued' else 'cancelled' end,
          case when ended.status is not null then now() end,
          'dependency_' || ended.status
        from fresh
        left join (
          select uuid, min(status) as status from edges where status in ${failedEnds(sql)} group by uuid
        ) as ended using (uuid)
        where not exists (select from refused)
        order by n
        on conflict (domain, queue, job_type, idempotency_key) do nothing
        returning ${jobColumns(sql)}
      ),
      needs as (
        insert into job_dependencies (job_uuid, depends_on_job_uuid)
        select uuid, needs from edges join added using (uuid)
      ),
      told as (${insertEvents(sql, call, addedSteps(sql, call))}),
      rung as (${notifyQueues(sql, sql`select domain, queue from added where status = 'queued'`)})
      select (select jsonb_agg(refused) from refused) as refused, added.*
      from (select) as one
      left join added on true
      left join rung on true`,
  )
  refuse(rows[0]?.refused ?? [])
  const byUuid = new Map(entries.map(({ uuid, n }) => [uuid, n]))
  return rows.flatMap((row) => {
    const n = row.uuid === null ? undefined : byUuid.get(row.uuid)
    return n === undefined || !isJob(row) ? [] : [{ n, job: row }]
  })
}

const addedSteps = (sql: Sql, { caller }: Call) => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, event_type, attrs
  from (
    select added.*, 1 as step, 'job.created' as event_type,
      jsonb_build_object('caller', ${caller}::text, 'priority', priority, 'available_at', ${wireTime(sql, sql`available_at`)}) as attrs
    from added
    union all
    select added.*, 2, 'job.cancelled', jsonb_build_object('reason', cancellation_reason, 'terminal', true)
    from added
    where status = 'cancelled'
  ) as steps
  order by id, step`

/** @throws Failure for what stands in the way of the whole call */
function refuse(refusals: readonly Refusal[]): void {
  const draining = refusals.filter(({ why }) => why === 'draining').map(({ what }) => what)
  if (draining.length > 0) {
    throw new Failure('queue_draining', `${draining.join(', ')} takes no new jobs: it drains; nothing was enqueued`, {
      hint: 'try again when it has been resumed',
    })
  }
  const unknown = refusals.map(({ what }) => what)
  if (unknown.length === 0) return
  const message = `no job has the uuid ${unknown.slice(0, 10).join(', ')}`
  throw new Failure('invalid_request', `depends_on: ${message}; nothing was enqueued`, {
    faults: [{ path: 'depends_on', message }],
  })
}

/** The jobs that are there under the keys of these. */
async function find(sql: Sql, entries: readonly Entry[]): Promise<Found[]> {
  if (entries.length === 0) return []
  const rows = await sql<(Job & { n: number })[]>`
    select asked.n, job.*
    from jsonb_to_recordset(${JSON.stringify(entries)}::text::jsonb) as asked (
      n int, domain text, queue text, job_type text, idempotency_key text
    )
    cross join lateral (
      select ${jobColumns(sql)}
      from jobs
      where ${hasKeyOf(sql, sql`asked`)}
      offset 0
    ) as job`
  return rows.map((job) => ({ n: job.n, job }))
}
