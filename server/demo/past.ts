import type { Sql } from '../database/sql.ts'
import { bucketBounds } from '../history/buckets.ts'

/**
 * Writes the past of jobs that were inserted a moment ago, as servers would have kept it: what became of them by the minute, and how many there
 * were. A mark names the deployment after which the incident began. The database has no other jobs.
 */
export async function writePast(sql: Sql): Promise<void> {
  const [history] = await sql`select from jobsctl_settings where name = 'history' and value = 'on'`
  if (history) await writeTransitions(sql)
  await writeDepths(sql)
  await sql`
    insert into jobsctl_marks (text, caller, created_at)
    values ('deploy 4710', 'single-user', now() - interval '126 minutes')`
}

/** The transitions that the triggers would have left at the times of the jobs, in place of those of their insertion. */
async function writeTransitions(sql: Sql): Promise<void> {
  await sql`delete from jobsctl_transitions`
  await sql`update jobsctl_history set since = least(since, now() - interval '7 days')`
  await sql`
    insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs, bucket, milliseconds)
    select
      domain, queue, job_type, from_status, to_status, date_trunc('minute', at), count(*),
      width_bucket(seconds, ${sql.unsafe(`array[${bucketBounds.join(', ')}]`)}::float8[]), sum(1000 * seconds)
    from jobs
    cross join lateral (
      values
        (created_at, '', 'queued', null::float8),
        (started_at, 'queued', 'processing', extract(epoch from started_at - created_at)::float8),
        (completed_at, 'processing', status, extract(epoch from completed_at - started_at)::float8),
        (quarantined_at, 'processing', status, extract(epoch from quarantined_at - started_at)::float8),
        (cancelled_at, 'queued', status, null)
    ) as moved (at, from_status, to_status, seconds)
    where at between now() - interval '7 days' and now()
    group by domain, queue, job_type, from_status, to_status, date_trunc('minute', at), 8`
}

/** How many jobs of each group there were, every five minutes of the last six hours. */
async function writeDepths(sql: Sql): Promise<void> {
  await sql`
    insert into jobsctl_depth_groups (domain, queue, job_type, names)
    select domain, queue, job_type, md5(jsonb_build_array(domain, queue, job_type)::text)::uuid
    from (select distinct domain, queue, job_type from jobs) as groups
    on conflict (names) do nothing`
  await sql`
    insert into jobsctl_depths (moment, group_id, whole, queued, scheduled, processing, quarantined)
    select
      moment, depth_group.id, true,
      count(*) filter (where not is_started and not is_ended and coalesce(available_at, created_at) <= moment),
      count(*) filter (where not is_started and not is_ended and available_at > moment),
      count(*) filter (where is_started and not is_ended),
      count(*) filter (where quarantined_at <= moment)
    from generate_series(date_trunc('hour', now()) - interval '5 hours', now() - interval '1 minute', interval '5 minutes') as moment
    join jobs on created_at <= moment
    join jobsctl_depth_groups as depth_group using (domain, queue, job_type)
    cross join lateral (
      select
        coalesce(started_at <= moment, false) as is_started,
        coalesce(least(completed_at, cancelled_at, quarantined_at) <= moment, false) as is_ended
    ) as state
    group by moment, depth_group.id`
  await sql`
    insert into jobsctl_depth_moments (moment, whole, queued, scheduled, processing, quarantined)
    select moment, true, sum(queued), sum(scheduled), sum(processing), sum(quarantined)
    from jobsctl_depths
    group by moment`
}
