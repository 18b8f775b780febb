import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Sql, TransactionSql } from 'postgres'
import type { Journal } from '../journal.ts'
import { mixed } from '../lanes.ts'
import type { Random } from '../random.ts'

interface Foreign {
  sql: Sql
  journal: Journal
  random: Random
  signal: AbortSignal
  name: string
}

interface Taken {
  id: string
  lease_id: string
}

/** A worker of another program: plain SQL on the same tables. It also tells its steps, so that they can be followed. */
export async function workBySql(by: Foreign): Promise<void> {
  const { random, signal } = by
  while (!signal.aborted) {
    const jobs = random.chance(0.9) ? await take(by) : await takeExpired(by)
    await wait(random.between(0, 100))
    // Some are never heard of again.
    for (const job of jobs) if (!random.chance(0.03)) await end(job, by)
    await wait(random.between(20, 200))
  }
}

/** Writes a step as the server does: in the transaction that makes it, after the row is locked. */
const tell = (tx: TransactionSql, ids: readonly string[], event: string, request: string) => tx`
  insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json, request_id)
  select id, domain, queue, job_type, ${event}, '{"foreign": true}', ${request}
  from jobs
  where id = any(${ids}::bigint[])
  order by id`

async function take({ sql, journal, random, name }: Foreign): Promise<Taken[]> {
  const request = randomUUID()
  const jobs = await sql.begin(async (tx) => {
    const picked = await tx<{ id: string }[]>`
      select id
      from jobs
      where status = 'queued' and domain = ${mixed} and coalesce(available_at, created_at) <= now()
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
  note(journal, request, jobs)
  return jobs
}

/** Picks up again what ran out of its lease, without the detour of a queue. */
async function takeExpired({ sql, journal, name }: Foreign): Promise<Taken[]> {
  const request = randomUUID()
  const jobs = await sql.begin(async (tx) => {
    const picked = await tx<{ id: string }[]>`
      select id
      from jobs
      where status = 'processing' and domain = ${mixed} and leased_until < now()
      order by id
      limit 3
      for update skip locked`
    const ids = picked.map(({ id }) => id)
    await tell(tx, ids, 'job.lease_expired', request)
    return lease(tx, { picked, request, name })
  })
  note(journal, request, jobs)
  return jobs
}

interface Leasing {
  picked: readonly { id: string }[]
  request: string
  name: string
}

async function lease(tx: TransactionSql, { picked, request, name }: Leasing) {
  const ids = picked.map(({ id }) => id)
  const leased = await tx<(Taken & { until: string })[]>`
    update jobs
    set status = 'processing', worker_id = ${name}, lease_id = gen_random_uuid()::text, acquired_at = now(),
        leased_until = now() + interval '2 seconds', started_at = coalesce(started_at, now())
    where id = any(${ids}::bigint[])
    returning id, lease_id, to_char(leased_until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as until`
  await tell(tx, ids, 'job.acquired', request)
  return leased
}

function note(journal: Journal, request: string, jobs: readonly (Taken & { until: string })[]): void {
  for (const { id, lease_id, until } of jobs) {
    journal.write({ kind: 'leased', request, job: Number(id), lease: lease_id, until })
  }
}

async function end({ id, lease_id }: Taken, { sql, journal, random }: Foreign): Promise<void> {
  const request = randomUUID()
  const done = random.chance(0.9)
  const finish = { job: Number(id), lease: lease_id, action: done ? ('complete' as const) : ('fail' as const) }
  // Now and then it leaves the end of the lease behind, for the integrity sweep to find.
  const sloppy = random.chance(0.1)
  journal.write({ kind: 'asked', request, ...finish })
  const ended = await sql.begin(async (tx) => {
    const { count } = await tx`
      update jobs
      set status = ${done ? 'completed' : 'failed'}, completed_at = now(),
          result = case when ${done} then jsonb_build_object('lease', ${lease_id}::text, 'token', null) end,
          error_message = case when ${done} then null else 'no luck' end,
          leased_until = case when ${sloppy} then leased_until end
      where id = ${id} and status = 'processing' and lease_id = ${lease_id}`
    if (count > 0) await tell(tx, [id], done ? 'job.completed' : 'job.failed', request)
    return count > 0
  })
  const said = done ? 'completed' : 'failed'
  journal.write({ kind: 'finished', request, ...finish, ok: ended, said: ended ? said : 'lease_lost' })
}
