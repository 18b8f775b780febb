import type { GroupStats } from '../../../shared/queues/stats.ts'
import type { Narrowed } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { readGroupsBy } from '../parts/in-places.ts'
import { quotedText } from '../parts/sql-text.ts'

/**
 * Counts of live and failed jobs of every group that has a job. Without dead letters, the live jobs are counted in one index
 * (`job_i14`, from 12.38 on), and a single entry of the primary key tells that a queue without live jobs has others.
 * @returns rows in the order of the answer: by the bytes of their names
 */
export const readGroups = (sql: Sql, found: readonly Found[], scope: Narrowed): Promise<GroupStats[]> =>
  readGroupsBy(sql, found, scope, (place) => groupsOf(sql, place, scope))

/** A query of the columns of `GroupStats` for one schema. */
function groupsOf(sql: Sql, { schema, domain, columns }: Found, { queue }: Narrowed): Fragment {
  const of = sql.unsafe(schema)
  const named = queue === undefined ? sql`` : sql`and q.name = ${queue}::text`
  const inQueue = queue === undefined ? sql`` : sql`and j.name = ${queue}::text`
  const constant = sql.unsafe(`${quotedText(domain)}::text`)
  // A job that waits for others is scheduled: nothing runs it by its time alone.
  const waits = columns.has('blocked') ? sql`(j.blocked or j.start_after > now())` : sql`j.start_after > now()`
  const hasSources = columns.has('source_name')
  const plain = sql`
    select ${constant} as domain, q.name as queue, '' as job_type, ${sums(sql)}
    from ${of}.queue as q
    left join (
      select j.name, j.state, count(*) as jobs, count(*) filter (where ${waits}) as waiting
      from ${of}.job as j
      where j.state in ('created', 'retry', 'active', 'failed') ${inQueue}
      group by j.name, j.state
    ) as live on live.name = q.name
    where true ${named} ${hasSources ? sql`and not ${isDead(sql, of)}` : sql``}
    group by q.name
    -- A queue without any job is no group. The order is that of the primary key, of which a single entry is read.
    having count(live.name) > 0 or (select true from ${of}.job as j where j.name = q.name order by j.id limit 1)`
  if (!hasSources) return plain
  return sql`
    ${plain}
    union all
    select ${constant}, letters.name, letters.job_type, ${sums(sql)}
    from (
      select q.name, of_queue.*
      from ${of}.queue as q
      cross join lateral (
        select
          coalesce(j.source_name, '') as job_type, j.state, count(*) as jobs, count(*) filter (where ${waits}) as waiting
        from ${of}.job as j
        where j.name = q.name
        group by coalesce(j.source_name, ''), j.state
      ) as of_queue
      where ${isDead(sql, of)} ${named}
    ) as letters
    group by letters.name, letters.job_type`
}

/** True for a row `q` of `queue` that is the dead letter queue of another one: its jobs have the job type of their source. */
const isDead = (sql: Sql, schema: Fragment): Fragment => sql`
  q.name = any(array(select other.dead_letter from ${schema}.queue as other where other.dead_letter is not null))`

/** The counts of a group from rows `(state, jobs, waiting)`, of which there may be none. pg-boss has no quarantine. */
const sums = staticFragment(
  (sql) => sql`
  coalesce(sum(jobs - waiting) filter (where state < 'active'), 0)::bigint as queued,
  coalesce(sum(waiting) filter (where state < 'active'), 0)::bigint as scheduled,
  coalesce(sum(jobs) filter (where state = 'active'), 0)::bigint as processing,
  0::bigint as quarantined,
  coalesce(sum(jobs) filter (where state = 'failed'), 0)::bigint as failed`,
)
