import type { ForeignJobs } from '../../database/connection/qualify.ts'
import { namesOf } from '../../database/connection/schema-names.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import type { BulkChange } from '../change/bulk-change.ts'
import { isWrittenRecently, type Snapshot } from '../token/snapshot.ts'

const mostGroups = 100
const mostOwners = 10

/**
 * A token that lists more transactions would be too long. Beyond this number no row of an open transaction belongs to the
 * set, since the ids of its savepoints cannot be told apart.
 */
export const mostRecent = 2000

/** Of more jobs that their engine writes again, none is told from a changed one: the change passes over them. */
export const mostRewritten = 1000

/**
 * How rows that the engine writes again are told from those of changed jobs. Undefined for an engine that writes none, and for an erasure: its set
 * has few columns of a job, so that it passes over such rows.
 */
export const rewrittenBy = (sql: Sql, kind: BulkChange<unknown>['kind']): ForeignJobs['rewritten'] =>
  kind === 'erase' ? undefined : namesOf(sql)?.jobs?.rewritten

/**
 * The counts by group and by owner, in one pass with few groups each: PostgreSQL would sort the groups by all five columns at once where
 * there are too many.
 */
export function grouped(
  sql: Sql,
  { kind, time }: Pick<BulkChange<unknown>, 'kind' | 'time'>,
  { matching, doubt }: { matching: Fragment; doubt: Snapshot | undefined },
): Fragment {
  const recent = doubt
    ? sql`array_agg(jobs.xmin::text::bigint) filter (where ${isWrittenRecently(sql, doubt)})`
    : sql`null::bigint[]`
  const known = rewrittenBy(sql, kind)
  const rewritten = known
    ? sql`array_agg(${known.fingerprint(sql)}) filter (where ${known.mayBe(sql)})`
    : sql`null::text[]`
  return sql`
    select domain, queue, job_type, status, owner_user_id, grouping(owner_user_id) = 0 as by_owner, count(*) as count,
      min(${time(sql)}) as oldest, max(${time(sql)}) as newest, ${recent} as recent, ${rewritten} as rewritten
    ${matching}
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))`
}

/** Needs the CTE `grouped`. */
export const recentTransactions = (sql: Sql): Fragment => sql`(
  select coalesce(jsonb_agg(id), '[]')
  from (select distinct unnest(recent) as id from grouped limit ${mostRecent + 1}) as ids
)`

/** Needs the CTE `grouped`. */
export const rewrittenJobs = (sql: Sql): Fragment => sql`(
  select coalesce(jsonb_agg(job), '[]')
  from (select distinct unnest(rewritten) as job from grouped limit ${mostRewritten + 1}) as jobs
)`

/** Needs the CTE `grouped`. */
export const groups = (sql: Sql): Fragment => sql`
  select domain, queue, job_type, status, count, ${wireTime(sql)} as oldest
  from grouped
  where not by_owner
  order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
  limit ${mostGroups}`

/** Needs the CTE `grouped`. */
export const owners = (sql: Sql): Fragment => sql`
  select owner_user_id, count
  from grouped
  where by_owner
  order by count desc, owner_user_id collate "C"
  limit ${mostOwners}`

/** The oldest time of a group as ISO 8601 in UTC, to the second. */
const wireTime = staticFragment((sql) => sql`to_char(oldest at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`)

/** Needs the CTE `grouped`. */
export const reasons = (sql: Sql, reason: Fragment): Fragment => sql`
  select coalesce(jsonb_agg(by_reason), '[]')
  from (
    select ${reason} as reason, sum(count)::bigint as count from grouped where not by_owner group by 1 order by 1
  ) as by_reason`
