import type { GroupStats } from '../../../shared/queues/stats.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import type { OldestDue, WaitingGroup } from '../../engines/adapter.ts'
import { fromEachPlace } from '../../engines/served.ts'
import { groupKey } from './fold-groups.ts'

interface Row {
  key: string
  since: string | null
}

/**
 * Since when the job of each group that has waited longest could run, by `groupKey`. The cost depends on the number of groups alone. An
 * index has the jobs with a time of their own in the order of that time. A job that may run at any time is looked for among the 20 oldest
 * of its group. So such a job is missed where 20 older ones have a time of their own.
 */
export async function oldestDue(tx: Sql, counts: readonly GroupStats[]): Promise<Map<string, string>> {
  const waiting = counts.filter(({ queued }) => queued > 0)
  if (waiting.length === 0) return new Map()
  const oldest = await readOldestOf(tx, waiting)
  if (oldest) {
    return new Map(oldest.map(({ since, job_type = null, ...queue }) => [groupKey({ ...queue, job_type }), since]))
  }
  const rows = await tx<Row[]>`
    select item.key, ${sinceOldest(tx)} as since
    from rows from (
      unnest(${waiting.map(groupKey)}::text[]),
      unnest(${waiting.map(({ domain }) => domain)}::text[]),
      unnest(${waiting.map(({ queue }) => queue)}::text[]),
      unnest(${waiting.map(({ job_type }) => job_type)}::text[])
    ) as item (key, domain, queue, job_type)`
  return new Map(rows.flatMap(({ key, since }) => (since === null ? [] : [[key, since] as const])))
}

/**
 * An SQL expression: since when the oldest job of the group of the row `item` could run. Subqueries, because lateral joins keep what each has
 * found, and take 1.7 times as long.
 */
export const sinceOldest = staticFragment(
  (sql) => sql`
  least(
    (
      select available_at
      from jobs
      where status in ('queued', 'processing', 'quarantined')
        and ${isOfItem(sql)}
        and status = 'queued' and available_at > '-infinity' and available_at <= now()
      order by available_at
      limit 1
    ),
    -- One entry of an index tells that the 20 need not be read. It is no EXISTS: of many groups PostgreSQL would hash all waiting jobs for it.
    case when (
      select true
      from jobs
      where status in ('queued', 'processing', 'quarantined')
        and ${isOfItem(sql)}
        and status = 'queued' and available_at is null
      limit 1
    ) then (
      select created_at
      from (
        select available_at, created_at
        from jobs
        where status = 'queued' and ${isOfItem(sql)}
        order by created_at, id
        limit 20
      ) as oldest
      where available_at is null and created_at > '-infinity' and created_at <= now()
      order by created_at
      limit 1
    ) end
  )`,
)

/**
 * An SQL expression: since when the oldest job of the queue of the row `item` could run, of own jobs; null where no job is due. It reads one entry
 * of the index of acquire for each priority from the first to the last that waits there, however many jobs and job types there are. Most queues
 * have jobs of one priority, whose oldest job is the first entry.
 */
export const sinceOldestOfQueue = staticFragment(
  (sql) => sql`
  (
    select case
      when first.priority = last.priority and first.priority between 1 and 11 and first.due > '-infinity' then
        case when first.due <= now() then first.due end
      else (
        select min(jobs.due)
        from generate_series(greatest(first.priority, 1), least(last.priority, 11)) as tier (priority)
        cross join lateral (${dueInOrder(sql)} limit 1) as jobs
      )
    end
    from (
      select ${priorityInOrder(sql)}, coalesce(available_at, created_at) as due ${queuedOfItem(sql)}
      order by coalesce(jobs.priority, 11), coalesce(available_at, created_at)
      limit 1
    ) as first
    cross join lateral (
      select ${priorityInOrder(sql)} ${queuedOfItem(sql)}
      order by coalesce(jobs.priority, 11) desc
      limit 1
    ) as last
  )`,
)

const priorityInOrder = (sql: Sql): Fragment => sql`coalesce(priority, 11) as priority`

/** The queued jobs of `item (domain, queue)`. */
const queuedOfItem = (sql: Sql): Fragment => sql`
  from jobs
  where (status = 'queued') is true and jobs.domain || chr(31) || jobs.queue = item.domain || chr(31) || item.queue`

/** The due jobs of `item (domain, queue)` and `tier (priority)` as `(due, uuid)`, the oldest first. */
export const dueInOrder = staticFragment(
  (sql) => sql`
  select coalesce(available_at, created_at) as due, uuid
  from jobs
  where (status = 'queued') is true and jobs.domain || chr(31) || jobs.queue = item.domain || chr(31) || item.queue
    and coalesce(jobs.priority, 11) = tier.priority
    and coalesce(available_at, created_at) > '-infinity' and coalesce(available_at, created_at) <= now()
  order by coalesce(available_at, created_at)`,
)

/** A job of the group of `item`, whose names may have another collation than those of the indexes of jobs. */
const isOfItem = staticFragment(
  (sql) => sql`
  (domain, queue, job_type) = (item.domain collate "default", item.queue collate "default", item.job_type collate "default")`,
)

/** Since when the oldest jobs of groups of other engines could run; undefined for our own jobs. */
export const readOldestOf = (sql: Sql, groups: readonly WaitingGroup[]): Promise<OldestDue[] | undefined> =>
  fromEachPlace(sql, ({ adapter, found }, of) =>
    adapter.oldestDue(
      of,
      [found],
      groups.filter(({ domain }) => domain === found.domain),
    ),
  )
