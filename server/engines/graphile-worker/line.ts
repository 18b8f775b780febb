import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineQueue, QueueLine, WorkerSigns } from '../adapter.ts'
import type { Found } from '../found.ts'
import { placeWith } from '../parts/in-places.ts'
import { isInQueue, keyIn } from './projection.ts'

/** The most running jobs that are counted. */
const mostCounted = 10_000

/** For how many minutes a job that nobody takes says that there is no worker. */
const quietMinutes = 5

/** The two ends of the line of a queue, from the index that workers read, and the running jobs. */
export async function readLine(sql: Sql, found: readonly Found[], queue: EngineQueue): Promise<QueueLine | undefined> {
  const place = placeWith(found, queue)
  if (!place) return undefined
  const jobs = sql`${sql.unsafe(place.schema)}._private_jobs`
  const isOfQueue = isInQueue(sql, place, queue.queue)
  const first = (isDue: Fragment) => sql`
    select id, run_at from ${jobs} where is_available = true and ${isOfQueue} and ${isDue} order by run_at, id limit 1`
  const [line] = await sql<[QueueLine]>`
    select
      now() as now, oldest.key as id, oldest.run_at as due_since, extract(epoch from now() - oldest.run_at)::float8 as seconds,
      next.run_at as next_due_at, extract(epoch from next.run_at - now())::float8 as next_due_in,
      (
        select count(*)
        from (
          select from ${jobs} where locked_at is not null and ${isOfQueue} ${sql.unsafe(`limit ${mostCounted}`)}
        ) as running
      ) as running,
      0::bigint as blocked
    from (select) as one
    left join (
      select first.run_at, ${sql.unsafe(keyIn(place))} as key
      from (${first(sql`run_at > '-infinity' and run_at <= now()`)}) as first
      join ${jobs} as j on j.id = first.id
    ) as oldest on true
    left join (${first(sql`run_at > now() and run_at < 'infinity'`)}) as next on true`
  return line
}

/**
 * What tells that no worker takes the jobs of a queue. A job that has ended is gone, and its pick-up with it. So the signs are told where a job that
 * a worker could take is due for minutes, and no running job of any queue was picked up since.
 */
export async function readSigns(
  sql: Sql,
  found: readonly Found[],
  queue: EngineQueue,
): Promise<WorkerSigns | undefined> {
  const place = placeWith(found, queue)
  if (!place) return undefined
  const of = sql.unsafe(place.schema)
  const isOfQueue = isInQueue(sql, place, queue.queue)
  const isRecent = sql`now() - ${quietMinutes}::int * interval '1 minute'`
  const [signs] = await sql<[WorkerSigns]>`
    select null::timestamptz as last_asked_at, null::timestamptz as last_picked_up_at, null::float8 as silence, running
    from (
      select count(*) filter (where ${isOfQueue}) as running, max(locked_at) as last
      from ${of}._private_jobs
      where locked_at is not null
    ) as signs
    where coalesce(last <= ${isRecent}, true) and exists (
      select
      from ${of}._private_jobs
      where is_available = true and ${isOfQueue} and run_at <= ${isRecent}
        and (
          job_queue_id is null
          or exists (select from ${of}._private_job_queues as q where q.id = job_queue_id and q.locked_at is null)
        )
    )`
  return signs
}
