import type { Sql } from '../../database/sql.ts'
import type { OldestDue, WaitingGroup } from '../adapter.ts'
import type { Found } from '../found.ts'
import { readOldestBy } from '../parts/in-places.ts'

/**
 * Since when the job of each group that has waited longest could run. A job that waits for others cannot. Each group is two entries of the
 * index of live jobs, from 12.38 on.
 * @param groups without a job type, jobs of any type count
 */
export const readOldestDue = (
  sql: Sql,
  found: readonly Found[],
  groups: readonly WaitingGroup[],
): Promise<OldestDue[]> => readOldestBy(found, groups, (place, waiting) => readOldestIn(sql, place, waiting))

function readOldestIn(sql: Sql, { schema, columns }: Found, groups: readonly WaitingGroup[]) {
  const of = sql.unsafe(schema)
  const isFree = columns.has('blocked') ? sql`and not j.blocked` : sql``
  // Only dead letters have a job type.
  const ofType = columns.has('source_name')
    ? sql`and (item.job_type is null or item.job_type = '' or j.source_name = item.job_type)`
    : sql``
  const first = (state: string) => sql`
    (
      select j.start_after
      from ${of}.job as j
      where j.name = item.queue and j.state = ${sql.unsafe(`'${state}'`)} ${isFree} and j.start_after <= now() ${ofType}
      order by j.start_after
      limit 1
    )`
  return sql<OldestDue[]>`
    select *
    from (
      select item.domain, item.queue, item.job_type, least(${first('created')}, ${first('retry')}) as since
      from rows from (
        unnest(${groups.map(({ domain }) => domain)}::text[]),
        unnest(${groups.map(({ queue }) => queue)}::text[]),
        unnest(${groups.map(({ job_type = null }) => job_type)}::text[])
      ) as item (domain, queue, job_type)
    ) as oldest
    where since > '-infinity'`
}
