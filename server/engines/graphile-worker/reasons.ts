import { mostRunning } from '../../../shared/explain/phrases.ts'
import type { Facts, Finding } from '../../../shared/explain/reason.ts'
import { isWithin, type Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import type { EngineJob, EngineQueue } from '../adapter.ts'
import type { Found } from '../found.ts'
import { placeWith } from '../parts/in-places.ts'
import { parseKey } from './key.ts'
import { nativeQueue, queueNamed } from './projection.ts'

const nativeOf = (found: readonly Found[], { id, domain }: EngineJob) => {
  const place = placeWith(found, { domain })
  const native = parseKey(String(id))
  return place && native ? { place, id: native.id } : undefined
}

interface Row {
  job_type: string
  /** Null for a job without a queue, and for one whose queue is not locked. */
  locked_queue: string | null
  taken: number
  flags: string[] | null
}

/** As many flags of a job are named. */
const mostFlags = 5

/** What keeps a waiting job from running, beside its own time: its queue, and workers that pass it over. */
export async function findReasons(sql: Sql, found: readonly Found[], job: Within<EngineJob>): Promise<Finding[]> {
  const native = nativeOf(found, job)
  if (!native) return []
  const of = sql.unsafe(native.place.schema)
  const [row] = await sql<Row[]>`
    select
      coalesce((select t.identifier from ${of}._private_tasks as t where t.id = j.task_id), '') as job_type,
      (select q.queue_name from ${of}._private_job_queues as q where q.id = j.job_queue_id and q.locked_at is not null) as locked_queue,
      (
        select count(*)
        from (
          select
          from ${of}._private_jobs as later
          where later.locked_at > greatest(j.run_at, j.updated_at) and later.run_at <= later.locked_at
            and (later.task_id <> j.task_id or j.flags is not null and later.flags is distinct from j.flags)
            and (later.priority, later.run_at) > (j.priority, j.run_at)
          ${sql.unsafe(`limit ${mostRunning}`)}
        ) as taken
      ) as taken,
      (
        select array_agg(flag order by flag collate "C")
        from jsonb_object_keys(case when jsonb_typeof(j.flags) = 'object' then j.flags end) as flag
      ) as flags
    from ${of}._private_jobs as j
    where j.id = ${native.id}::text::bigint and j.is_available and j.run_at <= now()`
  if (!row) return []
  const { job_type, locked_queue, taken, flags } = row
  if (locked_queue !== null) {
    const { domain, within } = job
    const lock = await findQueueReasons(sql, found, { domain, queue: queueNamed(locked_queue), within })
    if (lock.length > 0) return lock
  }
  return taken > 0
    ? [{ code: 'passed_over', facts: { job_type, taken, flags: (flags ?? []).slice(0, mostFlags) } }]
    : []
}

/** The lock of a queue: graphile-worker runs one job of a named queue at a time. Its pool is told with a running job within the scope of the caller. */
export async function findQueueReasons(
  sql: Sql,
  found: readonly Found[],
  { domain, queue, within }: Within<EngineQueue>,
): Promise<Finding[]> {
  const place = placeWith(found, { domain })
  const name = nativeQueue(queue)
  if (!place || name === null) return []
  const of = sql.unsafe(place.schema)
  // Without a running job the type of the jobs of the pool is not known.
  const isWhole = within === undefined || within.job_types.length === 0
  const [facts] = await sql<[Facts['queue_locked']?]>`
    select
      q.queue_name as queue, q.locked_at as since, running.id is not null as runs,
      case when coalesce(running.is_within, ${isWhole}::boolean) then q.locked_by end as by,
      case when running.is_within then running.id end as holder
    from ${of}._private_job_queues as q
    left join lateral (
      select id, (true ${isWithin(sql, within)}) is true as is_within
      from (
        select
          r.id::text, ${domain}::text as domain, ${queue}::text as queue,
          coalesce((select t.identifier from ${of}._private_tasks as t where t.id = r.task_id), '') as job_type
        from ${of}._private_jobs as r
        where r.job_queue_id = q.id and r.locked_at is not null
        limit 1
      ) as job
    ) as running on true
    where q.queue_name = ${name}::text and q.locked_at is not null`
  return facts ? [{ code: 'queue_locked', facts: { ...facts } }] : []
}

/**
 * How many due jobs are taken before a job, as workers take them: by priority, then by the time. Workers take jobs of all queues from one
 * line, and pass over those whose queue is locked, or whose task they do not have.
 * @param most where more are before it, one more than this is returned
 */
export async function countAhead(sql: Sql, found: readonly Found[], job: EngineJob, most: number): Promise<number> {
  const native = nativeOf(found, job)
  if (!native) return 0
  const of = sql.unsafe(native.place.schema)
  const [{ ahead }] = await sql<[{ ahead: number }]>`
    select count(*) as ahead
    from (
      select
      from (select id, priority, run_at from ${of}._private_jobs where id = ${native.id}::text::bigint) as mine
      cross join lateral (
        select
        from ${of}._private_jobs as j
        where j.is_available = true and j.run_at <= now() and (j.priority, j.run_at) < (mine.priority, mine.run_at)
        ${sql.unsafe(`limit ${most + 1}`)}
      ) as before
    ) as line`
  return ahead
}
