import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Sql, TransactionSql } from 'postgres'
import type { Journal } from '../journal.ts'
import { sharedDomain } from '../queues.ts'
import type { Random } from '../random.ts'

interface SqlWorker {
  sql: Sql
  journal: Journal
  random: Random
  signal: AbortSignal
  name: string
}

interface LeasedJob {
  id: string
  lease_id: string
}

/**
 * A worker of another program, which uses SQL on the same tables. It leases and ends jobs until `signal` aborts, and
 * writes job events, so that the checks can follow its jobs.
 */
export async function workBySql(by: SqlWorker): Promise<void> {
  const { random, signal } = by
  while (!signal.aborted) {
    const jobs = random.chance(0.9) ? await acquire(by) : await reclaimExpired(by)
    await wait(random.between(0, 100))
    // It abandons 3 % of the jobs.
    for (const job of jobs) if (!random.chance(0.03)) await end(job, by)
    await wait(random.between(20, 200))
  }
}

/** Inserts job events as the server does: in the transaction of the change, after the rows are locked. */
const insertEvents = (tx: TransactionSql, ids: readonly string[], event: string, request: string) => tx`
  insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json, request_id)
  select id, domain, queue, job_type, ${event}, '{"foreign": true}', ${request}
  from jobs
  where id = any(${ids}::bigint[])
  order by id`

async function acquire({ sql, journal, random, name }: SqlWorker): Promise<LeasedJob[]> {
  const request = randomUUID()
  const jobs = await sql.begin(async (tx) => {
    const picked = await tx<{ id: string }[]>`
      select id
      from jobs
      where status = 'queued' and domain = ${sharedDomain} and coalesce(available_at, created_at) <= now()
        and not exists (
          select from job_dependencies edge
          left join jobs needed on needed.uuid = edge.depends_on_job_uuid
          where edge.job_uuid = jobs.uuid and needed.status is distinct from 'completed'
        )
      order by priority, coalesce(available_at, created_at), id
      limit ${random.whole(1, 8)}
      for update skip locked`
    return lease(tx, { picked, request, name })
  })
  recordLeases(journal, request, jobs)
  return jobs
}

/** Leases jobs whose lease has expired, without queueing them first. */
async function reclaimExpired({ sql, journal, name }: SqlWorker): Promise<LeasedJob[]> {
  const request = randomUUID()
  const jobs = await sql.begin(async (tx) => {
    const picked = await tx<{ id: string }[]>`
      select id
      from jobs
      where status = 'processing' and domain = ${sharedDomain} and leased_until < now()
      order by id
      limit 3
      for update skip locked`
    const ids = picked.map(({ id }) => id)
    await insertEvents(tx, ids, 'job.lease_expired', request)
    return lease(tx, { picked, request, name })
  })
  recordLeases(journal, request, jobs)
  return jobs
}

interface Leasing {
  picked: readonly { id: string }[]
  request: string
  name: string
}

async function lease(tx: TransactionSql, { picked, request, name }: Leasing) {
  const ids = picked.map(({ id }) => id)
  const leased = await tx<(LeasedJob & { until: string })[]>`
    update jobs
    set status = 'processing', worker_id = ${name}, lease_id = gen_random_uuid()::text, acquired_at = now(),
        leased_until = now() + interval '2 seconds', started_at = coalesce(started_at, now())
    where id = any(${ids}::bigint[])
    returning id, lease_id, to_char(leased_until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as until`
  await insertEvents(tx, ids, 'job.acquired', request)
  return leased
}

function recordLeases(journal: Journal, request: string, jobs: readonly (LeasedJob & { until: string })[]): void {
  for (const { id, lease_id, until } of jobs) {
    journal.write({ kind: 'leased', request, job: Number(id), lease: lease_id, until })
  }
}

async function end({ id, lease_id }: LeasedJob, { sql, journal, random }: SqlWorker): Promise<void> {
  const request = randomUUID()
  const done = random.chance(0.9)
  const finish = { job: Number(id), lease: lease_id, action: done ? ('complete' as const) : ('fail' as const) }
  // One job in ten keeps its `leased_until`, which breaks an invariant that the integrity sweep repairs.
  const keepsLease = random.chance(0.1)
  journal.write({ kind: 'finish-sent', request, ...finish })
  const ended = await sql.begin(async (tx) => {
    const { count } = await tx`
      update jobs
      set status = ${done ? 'completed' : 'failed'}, completed_at = now(),
          result = case when ${done} then jsonb_build_object('lease', ${lease_id}::text, 'token', null) end,
          error_message = case when ${done} then null else 'the SQL worker failed it' end,
          leased_until = case when ${keepsLease} then leased_until end
      where id = ${id} and status = 'processing' and lease_id = ${lease_id}`
    if (count > 0) await insertEvents(tx, [id], done ? 'job.completed' : 'job.failed', request)
    return count > 0
  })
  const outcome = done ? 'completed' : 'failed'
  journal.write({ kind: 'finished', request, ...finish, ok: ended, outcome: ended ? outcome : 'lease_lost' })
}
