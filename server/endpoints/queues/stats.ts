import type { GroupStats } from '../../../shared/queues/stats.ts'
import type { Acting } from '../../call.ts'
import { groupsOfJobs, isListed } from '../../counts/group-list.ts'
import { cellSums, countedCells, nearFutureEnd, trustCondition } from '../../counts/trust.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { fromEachPlace, servedBy } from '../../engines/served.ts'
import type { InputOf } from '../handlers.ts'
import { groupKey } from './fold-groups.ts'
import { oldestDue, sinceOldest } from './oldest-due.ts'

type Asked = InputOf<'stats'>

export interface StatsCall {
  sql: Sql
  within?: Acting['within']
}

/**
 * Counts of live jobs by group: from the counts that triggers keep where these can be trusted, else from the jobs. The adapter of another
 * engine counts by its indexes.
 */
export async function stats({ sql, within }: StatsCall, asked: Asked): Promise<GroupStats[]> {
  const scope = { ...asked, within }
  const groups = await fromEachPlace(sql, ({ adapter, found }, of) => adapter.groups(of, [found], scope))
  if (groups) return inOrder(groups)
  return readOwnGroups(sql, scope, (counted) => sql<CountedGroup[]>`${counted}`)
}

/** The counts of a group, and since when the job waits there, or in its queue, that has waited longest; null where none waits. */
export interface DueGroup extends GroupStats {
  oldest_due: string | null
}

/** The same with the oldest jobs, of own jobs in the same statement: names of thousands of groups are not sent back. */
export async function statsWithOldest({ sql, within }: StatsCall, asked: Asked): Promise<DueGroup[]> {
  if (servedBy(sql).mode !== 'own') {
    const groups = await stats({ sql, within }, asked)
    const due = await oldestDue(sql, groups)
    return groups.map((group) => ({ ...group, oldest_due: due.get(groupKey(group)) ?? null }))
  }
  return readOwnGroups(sql, { ...asked, within }, (counted) => withOldest<CountedGroup>(sql, counted))
}

/** What a row says of the counts from which it comes. */
interface Basis {
  /** The counts are right. */
  valid: boolean
  /** The counts have a row of every group that has jobs. */
  listed: boolean
}

/** A query of own jobs gives groups with these columns, too. */
type CountedGroup = GroupStats & Basis

/**
 * Reads the groups of own jobs: those that the counts list. Where the counts do not have a row of every group, the groups are read from the jobs, and
 * where the counts are not right, the jobs are counted.
 * @param read reads rows from a query of groups
 */
export async function readOwnGroups<Row extends Basis>(
  sql: Sql,
  scope: Narrowed,
  read: (groups: Fragment) => PromiseLike<Row[]>,
): Promise<Row[]> {
  const listed = await read(statsFromList(sql, scope))
  if (listed.every(({ valid }) => valid)) return listed
  if (listed.some((row) => !row.listed)) {
    const walked = await read(statsFromCounts(sql, scope))
    if (walked.every(({ valid }) => valid)) return walked
  }
  return read(sql`select *, true as valid, true as listed from (${statsFromJobs(sql, scope)}) as item`)
}

/** The groups of a statement of own jobs with the oldest job of each. */
export const withOldest = <Group extends GroupStats>(sql: Sql, groups: Fragment) => sql<(Group & DueGroup)[]>`
  select item.*, case when item.queued > 0 then ${sinceOldest(sql)} end as oldest_due
  from (${groups}) as item`

/** Groups of several places in the order of the response. The groups of one place have one domain, and are in that order. */
const inOrder = (groups: GroupStats[]): GroupStats[] =>
  groups.toSorted((one, other) => Buffer.compare(Buffer.from(one.domain), Buffer.from(other.domain)))

/**
 * The groups that the counts list: those with live jobs, and those for which a look into the jobs finds another one. Where the counts do not have a
 * row of every group, or cannot be trusted, it gives one row that is not valid, without a name. The jobs are not read for names of groups, because
 * a statement opens each partition for each part of it that reads jobs.
 */
const statsFromList = (sql: Sql, scope: Narrowed): Fragment => sql`
  with ${basis(sql, scope)},
  counted as (
    select domain, queue, job_type, ${cellSums(sql)}, sum(soon) as read_soon
    from (${countedParts(sql, scope)}) as parts
    group by domain, queue, job_type
  )
  (
    select ${countedColumns(sql)}
    from list
    cross join counted
    cross join lateral (${countSoon(sql)}) as near
    where listed and ${hasJobs(sql)}
    order by domain, queue, job_type
  )
  union all
  select '', '', '', 0, 0, 0, 0, false, not trusted from list where not listed`

/**
 * Jobs that are scheduled for later are kept by the minute, the hour and the day; jobs that are due within two minutes are
 * counted in their index. Where the counts have a row of every group, a group with live jobs is there by its counts, and one
 * without is looked for in the jobs; else the groups are read from the jobs. Groups and counts are merged by sorting, because a join
 * whose plan was made while there were few groups would compare each row with each. The names are sorted once, by their bytes, which
 * is the order of the response.
 */
export const statsFromCounts = (sql: Sql, scope: Narrowed): Fragment => sql`
  with recursive ${basis(sql, scope)},
  ${groups(sql, scope, sql`and not (select listed from list)`)},
  counted as (
    select domain, queue, job_type, ${cellSums(sql)}, sum(soon) as read_soon, bool_or(has_jobs) as has_jobs
    from (
      select
        domain collate "C" as domain, queue collate "C" as queue, job_type collate "C" as job_type,
        0 as queued, 0 as later, 0 as processing, 0 as quarantined, 0 as soon, true as has_jobs
      from groups
      where true ${inScope(sql, scope)}
      union all
      select *, false from (${countedParts(sql, scope)}) as parts
    ) as groups_and_parts
    group by domain, queue, job_type
  )
  select ${countedColumns(sql)}
  from list
  cross join counted
  cross join lateral (${countSoon(sql)}) as near
  where has_jobs or (listed and ${hasJobs(sql)})
  order by domain, queue, job_type`

/** Defines the CTEs `list`: whether the counts can be trusted, and have a row of every group, too; and `reading`. */
const basis = (sql: Sql, scope: Narrowed): Fragment => sql`
  list as materialized (
    select trusted, trusted and coalesce((select ${isListed(sql)} from jobsctl_counting), false) as listed
    from (${trustCondition(sql)}) as trust
  ),
  reading as materialized (${readsAllLive(sql, scope)})`

/** The rows that make the counts of a group: cells, and the jobs that are due soon where one pass finds them. Needs `reading`. */
const countedParts = (sql: Sql, scope: Narrowed): Fragment => sql`
  select domain, queue, job_type, queued, later, processing, quarantined, 0 as soon
  from (${countedCells(sql)}) as cells
  where true ${inScope(sql, scope)}
  union all
  select domain collate "C", queue collate "C", job_type collate "C", 0, 0, 0, 0, 1
  from jobs
  where (select all_live from reading) and ${isDueSoon(sql)} ${inScope(sql, scope)}`

/** The columns of a `CountedGroup` from `list`, `counted` and `near`. */
const countedColumns = staticFragment(
  (sql) => sql`
    domain, queue, job_type,
    queued - later - read_soon - soon as queued,
    later + read_soon + soon as scheduled,
    processing,
    quarantined,
    trusted and least(queued - later - read_soon - soon, later + read_soon + soon, processing, quarantined) >= 0 as valid,
    true as listed`,
)

/** Counts the jobs of the group of `counted` that are due soon, where no pass over all live jobs has counted them. */
const countSoon = staticFragment(
  (sql) => sql`
    select count(*) as soon
    from jobs
    where ${isDueSoon(sql)} and ${isOfCounted(sql)}
      and counted.queued > counted.later and not (select all_live from reading)`,
)

/**
 * True where the group of `counted` has jobs. The offset keeps the planner from reading all jobs at once instead, which it prefers while there
 * are few.
 */
const hasJobs = staticFragment(
  (sql) => sql`(
    counted.queued <> 0 or processing <> 0 or quarantined <> 0
    or exists (select from jobs where ${isOfCounted(sql)} offset 0)
  )`,
)

/** A job that is due after now and before `nearFutureEnd`. */
const isDueSoon = staticFragment(
  (sql) => sql`
  status in ('queued', 'processing', 'quarantined')
  and status = 'queued' and available_at > now() and available_at < ${nearFutureEnd(sql)}`,
)

/** The number of entries of an index that PostgreSQL reads one after the other in the time of one look-up. */
const entriesPerLookUp = 20

/**
 * A query of one row, `all_live`: whether one pass over the index of live jobs finds those that are due soon faster than a look-up of each group.
 * A look-up reads an index of each partition, unless the name of a group tells the partition. Without partitions it is always the look-ups,
 * whose time does not grow with the jobs.
 */
const readsAllLive = (sql: Sql, scope: Narrowed): Fragment => sql`
  select coalesce((
    select case
      when tables = '{}' or pg_get_partkeydef(jobs) ~ 'domain|job_type' then false
      else (
        select sum(queued + processing + quarantined) < count(*) * cardinality(tables) * ${entriesPerLookUp}::int
        from jobsctl_counts
        where span = '' and starts = '-infinity' ${inScope(sql, scope)}
      )
    end
    from jobsctl_counting
  ), false) as all_live`

/** A job of the group of `counted`. The collation is that of the names in jobs, because their indexes are in that order. */
const isOfCounted = staticFragment(
  (sql) => sql`
  domain = counted.domain collate "default"
  and queue = counted.queue collate "default"
  and job_type = counted.job_type collate "default"`,
)

/** Counts the live jobs in their partial index, which takes longer the more there are. */
export const statsFromJobs = (sql: Sql, scope: Narrowed) => sql<GroupStats[]>`
  with recursive ${groups(sql, scope)},
  live as (
    select
      domain, queue, job_type,
      count(*) filter (where status = 'queued' and (available_at is null or available_at <= now())) as queued,
      count(*) filter (where status = 'queued' and available_at > now()) as scheduled,
      count(*) filter (where status = 'processing') as processing,
      count(*) filter (where status = 'quarantined') as quarantined
    from jobs
    where status in ('queued', 'processing', 'quarantined') ${inScope(sql, scope)}
    group by domain, queue, job_type
  )
  select
    domain, queue, job_type,
    coalesce(queued, 0) as queued,
    coalesce(scheduled, 0) as scheduled,
    coalesce(processing, 0) as processing,
    coalesce(quarantined, 0) as quarantined
  from groups
  left join live using (domain, queue, job_type)
  where true ${inScope(sql, scope)}
  ${ordered(sql)}`

/** Defines the CTE `groups` (`groupsOfJobs`), also with groups outside of the scope of the caller, which the statement leaves out. */
const groups = (sql: Sql, { domain }: Narrowed, condition: Fragment = sql``): Fragment =>
  groupsOfJobs(sql, { among: sql`${inScope(sql, { domain })} ${condition}`, oneDomain: domain !== undefined })

const ordered = staticFragment((sql) => sql`order by domain collate "C", queue collate "C", job_type collate "C"`)
