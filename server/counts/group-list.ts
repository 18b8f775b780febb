import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'

/** False where the names are null, or too long for the index of the sums: these rows stay among the appended ones. */
export const fitsIndex = staticFragment(
  (sql) => sql`(octet_length(domain) + octet_length(queue) + octet_length(job_type) <= 2000) is true`,
)

/** The functions of the triggers that append a row for each group that gets jobs (`migrations/0049_groups.sql`). */
const functionVersions = staticFragment(
  (sql) => sql`
  select string_agg(concat_ws('.', oid, xmin), ' ' order by proname) as functions
  from pg_proc
  where oid = any(array[to_regproc('jobsctl_count_insert')::oid, to_regproc('jobsctl_count_update')::oid])`,
)

/**
 * An expression: a text that changes when one of these functions is replaced. Null where an older version has made them, or where
 * the names in `jobs` compare in another way than the database, so that looking for the jobs of a group would read the whole table.
 */
export const listingFunctions = staticFragment(
  (sql) => sql`(
  ${functionVersions(sql)} and prosrc like '%also a group without live jobs%'
    and not exists (
      select
      from pg_attribute
      where attrelid = to_regclass('jobs') and attname in ('domain', 'queue', 'job_type')
        and (
          atttypid not in ('text'::regtype, 'varchar'::regtype)
          or attcollation <> (select oid from pg_collation where collname = 'default')
        )
    )
  having count(*) = 2
)`,
)

/**
 * An expression over `jobsctl_counting`: whether every group that has jobs has a row of all its jobs (span '') in the sums or
 * among the appended rows, as far as the counts are trusted. A server of an older version deletes rows of zeros each time it compares
 * the counts with the jobs, and does not write `listed_at` then.
 */
export const isListed = staticFragment(
  (sql) => sql`(
  listed_at = checked_at
  and functions = (${functionVersions(sql)})
  and not exists (select from jobsctl_count_deltas where not ${fitsIndex(sql)})
)`,
)

interface Reading {
  /** Conditions on `jobs` that each step has, such as ` and domain = 'a'`. */
  among?: Fragment
  /** True when `among` leaves one domain: then a step need not compare the domain. */
  oneDomain?: boolean
}

/**
 * Defines the CTE `groups (domain, queue, job_type)` of a statement `with recursive`: all groups that have jobs, also those
 * with finished jobs only. It reads one index entry for each group (a loose index scan of the idempotency index).
 */
export function groupsOfJobs(sql: Sql, { among = sql``, oneDomain = false }: Reading = {}): Fragment {
  // With a domain the comparison leaves it out; otherwise each step would read the index from the first job of the domain.
  const after = oneDomain
    ? sql`(queue, job_type) > (groups.queue, groups.job_type)`
    : sql`(domain, queue, job_type) > (groups.domain, groups.queue, groups.job_type)`
  return sql`groups as (
    (
      select domain, queue, job_type
      from jobs
      where true ${among}
      order by domain, queue, job_type
      limit 1
    )
    union all
    select next.*
    from groups
    cross join lateral (
      select domain, queue, job_type
      from jobs
      where ${after} ${among}
      order by domain, queue, job_type
      limit 1
    ) next
  )`
}
