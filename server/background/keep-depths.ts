import { setTimeout as wait } from 'node:timers/promises'
import type { GroupStats } from '../../shared/queues/stats.ts'
import { trustCondition } from '../counts/trust.ts'
import { createErrorLog } from '../database/errors/error-log.ts'
import { hasCode } from '../database/errors/error-meanings.ts'
import { isLocked } from '../database/errors/failure.ts'
import { noteSuccess, takeTask } from '../database/installation/background-tasks.ts'
import { type Fragment, type Pool, type Sql, staticFragment } from '../database/sql.ts'
import { limitIdleTime, limitReadTime } from '../database/timeouts.ts'
import { statsFromCounts } from '../endpoints/queues/stats.ts'
import { narrowedTo, servedBy } from '../engines/served.ts'
import type { Log } from '../log/log.ts'

const lookEveryMs = 2000
/** Another server writes a minute whose server has not written it within so long. */
const turnSeconds = 30
/** Depths are written once a minute; less often where counting the jobs of another engine would take more than a hundredth of the time. */
const countShare = 100
/** The longest pause after errors, in milliseconds. */
const longestPauseMs = 60_000

interface Keeper {
  sql: Pool
  log: Log
  isReady: () => boolean
  stopping: AbortSignal
}

/**
 * Writes once a minute how many jobs of each group there are, until the server stops. Several servers may run it; each minute is written by one
 * of them.
 */
export async function keepDepths({ sql, log, isReady, stopping }: Keeper): Promise<void> {
  const errors = createErrorLog(log, 'the depths of queues are not kept')
  for (let pauseMs = lookEveryMs; !stopping.aborted; ) {
    await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})
    if (stopping.aborted || !isReady()) continue
    try {
      pauseMs = lookEveryMs
      if (!(await isDue(sql)) || !(await takeTask(sql, 'depths', turnSeconds))) continue
      const began = performance.now()
      if (await writeMinute(sql)) await noteSuccess(sql, 'depths')
      pauseMs = Math.max(lookEveryMs, countShare * (performance.now() - began))
      errors.clear()
    } catch (error) {
      pauseMs = longestPauseMs
      if (!isLocked(error) && !stopping.aborted) errors.warn(error)
    }
  }
}

/** Once in each minute of the database's clock. */
async function isDue(sql: Sql): Promise<boolean> {
  const [written] = await sql`
    select from jobsctl_depth_moments where moment between date_trunc('minute', now(), 'UTC') and now() limit 1`
  return written === undefined
}

/**
 * Writes the depths of this minute, once on all servers. The row of the task is written in the same snapshot: of two servers that write at
 * the same time, PostgreSQL refuses the later one.
 * @returns false where nothing was written: another server has written, or the counts cannot be trusted now
 */
export const writeMinute = (sql: Pool): Promise<boolean> =>
  writeDepths(sql, async (tx) => {
    await tx`update jobsctl_tasks set begun_at = now() where task = 'depths'`
    return isDue(tx)
  }).catch((error: unknown) => {
    if (hasCode(error, [serializationFailure])) return false
    throw error
  })

const serializationFailure = '40001'

/**
 * Writes the depths of this moment, counted and written in one snapshot.
 * @param mayWrite asked in that snapshot
 * @returns false where nothing was written: `mayWrite` says no, or the counts cannot be trusted now
 */
export const writeDepths = (sql: Pool, mayWrite = async (_: Sql) => true): Promise<boolean> =>
  sql.begin('isolation level repeatable read', async (tx) => {
    await tx`select ${limitIdleTime(tx)}, ${limitReadTime(tx)}`
    if (!(await mayWrite(tx))) return false
    await forgetAhead(tx)
    const moment = await writeMoment(tx, await countedNow(tx))
    if (moment?.whole) await forgetGroups(tx)
    return moment !== undefined
  })

/** Moments ahead of the clock are of a clock that was set back since, and their time will come again. */
async function forgetAhead(tx: Sql): Promise<void> {
  const { count } = await tx`delete from jobsctl_depth_moments where moment > now()`
  // Both values of `whole` are named, so that the index that begins with them finds the moments.
  if (count > 0) await tx`delete from jobsctl_depths where whole = any('{true,false}') and moment > now()`
}

const forgetGroups = (tx: Sql) => tx`
  delete from jobsctl_depth_groups
  where not exists (select from jobsctl_depths where group_id = jobsctl_depth_groups.id)`

interface Counted {
  /** The groups with their counts in the snapshot of the transaction, as a query. */
  groups: Fragment
  /** An SQL condition: these are all groups, and their counts are right. */
  isTrusted: Fragment
}

/** Own jobs are counted by the statement that writes their depths, those of other engines before it in the same snapshot. */
async function countedNow(tx: Sql): Promise<Counted> {
  const { mode, places } = servedBy(tx)
  const ofPlaces: GroupStats[] = []
  for (const place of places)
    ofPlaces.push(...(await place.adapter.groups(narrowedTo(tx, place), [place.found], { within: undefined })))
  const others = tx`
    select domain, queue, job_type, queued, scheduled, processing, quarantined
    from jsonb_to_recordset(${JSON.stringify(ofPlaces)}::text::jsonb)
      as of_places (domain text, queue text, job_type text, queued bigint, scheduled bigint, processing bigint, quarantined bigint)`
  if (mode !== 'own') return { groups: others, isTrusted: tx`true` }
  const own = tx`
    select domain, queue, job_type, queued, scheduled, processing, quarantined
    from (${statsFromCounts(tx, { within: undefined })}) as own`
  return { groups: places.length === 0 ? own : tx`${own} union all ${others}`, isTrusted: tx`(${trustCondition(tx)})` }
}

const sums = staticFragment(
  (sql) => sql`
    sum(queued)::bigint as queued, sum(scheduled)::bigint as scheduled,
    sum(processing)::bigint as processing, sum(quarantined)::bigint as quarantined`,
)

/**
 * Writes the groups that differ from the moment before, and at the first moment of an hour all of them. A group without a row since the hour
 * began was not there; one that is not there any more has zeros.
 * @returns undefined where nothing was written, since the counts cannot be trusted
 */
async function writeMoment(tx: Sql, { groups, isTrusted }: Counted): Promise<{ whole: boolean } | undefined> {
  const [written] = await tx<{ whole: boolean }[]>`
    with counted as materialized (
      select names, min(domain) as domain, min(queue) as queue, min(job_type) as job_type, ${sums(tx)}
      from (
        select *, md5(jsonb_build_array(domain, queue, job_type)::text)::uuid as names
        from (
          select coalesce(domain collate "C", '') as domain, coalesce(queue collate "C", '') as queue,
            coalesce(job_type collate "C", '') as job_type, queued, scheduled, processing, quarantined
          from (${groups}) as given
        ) as told
      ) as named
      group by names
    ),
    allowed as materialized (
      select from (select ${isTrusted} as trusted) as trust
      where trusted and not exists (select from counted where least(queued, scheduled, processing, quarantined) < 0)
    ),
    base as materialized (
      select max(moment) as moment, count(*) = 0 as whole
      from jobsctl_depth_moments
      where whole and moment >= date_trunc('hour', now(), 'UTC')
    ),
    added as (
      insert into jobsctl_depth_groups (domain, queue, job_type, names)
      select domain, queue, job_type, names
      from counted
      where exists (select from allowed)
        and not exists (select from jobsctl_depth_groups as known where known.names = counted.names)
      returning id, names
    ),
    listed as (select id, names from jobsctl_depth_groups union all select id, names from added),
    compared as (
      select id, counted.names is not null as is_there, known.moment is not null as is_known,
        known.queued as known_queued, known.scheduled as known_scheduled,
        known.processing as known_processing, known.quarantined as known_quarantined,
        coalesce(counted.queued, 0) as queued, coalesce(counted.scheduled, 0) as scheduled,
        coalesce(counted.processing, 0) as processing, coalesce(counted.quarantined, 0) as quarantined
      from listed
      left join counted using (names)
      left join lateral (
        select moment, queued, scheduled, processing, quarantined
        from jobsctl_depths
        where group_id = listed.id and moment >= (select moment from base)
        order by moment desc
        limit 1
      ) as known on true
    ),
    written as (
      insert into jobsctl_depths (moment, group_id, whole, queued, scheduled, processing, quarantined)
      select now(), id, whole, queued, scheduled, processing, quarantined
      from compared, base, allowed
      where (is_there or is_known)
        and (queued, scheduled, processing, quarantined)
          is distinct from (known_queued, known_scheduled, known_processing, known_quarantined)
    )
    insert into jobsctl_depth_moments (moment, whole, queued, scheduled, processing, quarantined)
    select now(), whole, coalesce(queued, 0), coalesce(scheduled, 0), coalesce(processing, 0), coalesce(quarantined, 0)
    from base, allowed, (select ${sums(tx)} from counted) as total
    returning whole`
  return written
}
