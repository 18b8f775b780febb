import { mostRunning } from '../../../shared/explain/phrases.ts'
import type { Facts, Finding } from '../../../shared/explain/reason.ts'
import { trustCondition } from '../../counts/trust.ts'
import { endedAt } from '../../database/job-filter.ts'
import { isMarkWithin, isWithin, type Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { WorkerSigns } from '../../engines/adapter.ts'
import { placeOf, servedBy } from '../../engines/served.ts'
import { isRunningIn, leaseEnd, type Queue } from '../../lifecycle/lease/due.ts'

/** After this number of minutes without a sign of a worker, jobs wait because nobody takes them. */
const quietMinutes = 5
/** The last ended jobs of all queues that are looked at. */
const mostEnded = 2000

/** The job for which a worker is looked for; for a queue, any job of it. */
interface Wanted {
  job_type: string
  owner_user_id: string | null
}

interface Signs {
  last_asked_at: string | null
  last_picked_up_at: string | null
  /** Seconds since the later of the two. */
  silence: number | null
  asked_for_others: boolean
  running: number
  workers: number
  /** Pick-ups of the last minutes cannot be missing. */
  is_certain: boolean
}

/**
 * Whether workers take the jobs of a queue. Workers over HTTP leave marks when they ask; what workers of other programs pick
 * up is seen in rows, and in the counts that triggers keep. Nothing is found where a pick-up could have been missed.
 */
export async function findSilence(sql: Sql, queue: Within<Queue>, wanted?: Wanted): Promise<Finding[]> {
  if (servedBy(sql).mode !== 'own') {
    const place = placeOf(sql, queue.domain)
    return silenceOf(queue, await place?.adapter.signs(place.of, [place.found], queue))
  }
  const signs = await readSigns(sql, queue, wanted)
  const { silence, is_certain, last_asked_at, last_picked_up_at, asked_for_others, running, workers } = signs
  if (!is_certain || (silence !== null && silence < 60 * quietMinutes)) return []
  const minutes = silence === null ? null : Math.floor(silence / 60)
  const facts: Facts['no_worker'] = {
    domain: queue.domain,
    queue: queue.queue,
    job_type: wanted?.job_type ?? null,
    last_asked_at,
    last_picked_up_at,
    minutes,
    asked_for_others,
    running,
    workers,
  }
  return [{ code: 'no_worker', facts }]
}

/** That no worker of another engine takes the jobs of a queue, as far as its signs tell. */
function silenceOf({ domain, queue }: Queue, signs: WorkerSigns | undefined): Finding[] {
  if (!signs || (signs.silence !== null && signs.silence < 60 * quietMinutes)) return []
  const { silence, ...known } = signs
  const minutes = silence === null ? null : Math.floor(silence / 60)
  const facts = { ...known, minutes, domain, queue, job_type: null, asked_for_others: false, workers: null }
  return [{ code: 'no_worker', facts }]
}

async function readSigns(
  sql: Sql,
  { domain, queue, within }: Within<Queue>,
  wanted: Wanted | undefined,
): Promise<Signs> {
  const [signs] = await sql<[Signs]>`
    with trust as materialized (${trustCondition(sql)}),
    mark as materialized (
      select
        worker_id, asked_at,
        ${wanted ? sql`(job_types is null or ${wanted.job_type}::text = any(job_types)) and (owner_user_id is null or owner_user_id = ${wanted.owner_user_id}::text) is true` : sql`true`} as fits
      from jobsctl_worker_marks
      where domain = ${domain}::text and queue = ${queue}::text ${isMarkWithin(sql, within)}
    ),
    running as materialized (
      select job_type, worker_id, acquired_at, ${leaseEnd(sql)} > now() as valid
      from jobs
      where ${isRunningIn(sql, { domain, queue })} ${isWithin(sql, within)}
      order by ${leaseEnd(sql)} desc
      limit ${sql.unsafe(String(mostRunning))}
    ),
    ended as materialized (
      select domain, queue, job_type, worker_id, acquired_at, ${endedAt(sql)} as ended_at
      from jobs
      where ${endedAt(sql)} is not null
      order by ${endedAt(sql)} desc, id desc
      limit ${sql.unsafe(String(mostEnded))}
    ),
    signs as materialized (
      select
        (select max(asked_at) from mark where fits) as last_asked_at,
        (
          select max(picked_up_at)
          from (
            select acquired_at as picked_up_at from running as known where ${mayTake(sql, wanted)}
            union all
            select acquired_at
            from ended as known
            where domain = ${domain}::text and queue = ${queue}::text and ${mayTake(sql, wanted)} ${isWithin(sql, within)}
            union all
            select picked_up_at
            from jobsctl_pickups
            where domain = ${domain}::text and queue = ${queue}::text ${isWithin(sql, within)}
              ${wanted ? sql`and (job_type = ${wanted.job_type}::text or not exists (select from mark))` : sql``}
          ) as pickups
          where picked_up_at <= now() and isfinite(picked_up_at)
        ) as last_picked_up_at
    )
    select
      last_asked_at, last_picked_up_at,
      extract(epoch from now() - greatest(last_asked_at, last_picked_up_at))::float8 as silence,
      exists (select from mark where not fits and asked_at > now() - ${quietMinutes}::int * interval '1 minute') as asked_for_others,
      (select count(*) from running where valid) as running,
      (select count(distinct worker_id) from running where valid) as workers,
      trust.trusted or (
        select count(*) < ${mostEnded}::int or min(ended_at) < now() - ${quietMinutes}::int * interval '1 minute' from ended
      ) as is_certain
    from signs
    cross join trust`
  return signs
}

/**
 * True for a row `known (job_type, worker_id)` whose worker may take the wanted job: the job is of the same type, or the worker
 * never said which jobs it takes. Needs the CTE `mark`.
 */
const mayTake = (sql: Sql, wanted: Wanted | undefined): Fragment =>
  wanted
    ? sql`(job_type = ${wanted.job_type}::text or not exists (select from mark where mark.worker_id is not distinct from known.worker_id))`
    : sql`true`
