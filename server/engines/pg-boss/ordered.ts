import { inQueueScope, inScope } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { OrderedSlice } from '../adapter.ts'
import type { Found } from '../found.ts'
import { firstKeys } from '../parts/first-keys.ts'
import { unionInScope } from '../parts/in-places.ts'
import { quotedText } from '../parts/sql-text.ts'
import { hasState, nativeOf, projectionOf } from './projection.ts'

/** The most jobs in some states that are read and sorted; where there are more, the jobs are read in the order of the time. */
const fewJobs = 10_000

/**
 * The most jobs that are found again by their keys once they are sorted. Many jobs may have one time, such as those of one insert, and to sort
 * their keys alone takes half as long. Where more are wanted, to find them again takes longer.
 */
const fewKeys = 500

/** The states of ours whose jobs the index of live jobs has. */
const liveStates = ['queued', 'processing', 'failed', 'quarantined']

/**
 * Every index of pg-boss begins with the queue. So the first jobs of each queue are read, as many as can be among the first of all
 * queues. A sample of each queue gives a time up to which there are enough.
 * @returns a query in parentheses, as `QueueAdapter.ordered` says
 */
export function orderedJobs(sql: Sql, found: readonly Found[], slice: OrderedSlice): Fragment {
  const all = unionInScope(
    sql,
    found,
    slice.scope,
    (place) => sql`select jobs.* from (${orderedIn(sql, place, slice)}) as jobs`,
  )
  return all ? sql`(${all})` : sql`(select * from jobs where false)`
}

/** A query of the jobs of one schema. */
function orderedIn(sql: Sql, place: Found, slice: OrderedSlice): Fragment {
  const { time, direction, where, states, scope, most, sample } = slice
  const jobs = sql.unsafe(`${projectionOf(place)} as jobs`)
  const of = sql.unsafe(place.schema)
  const key = time === 'created' ? sql`jobs.created_at` : sql`jobs.native_ended`
  const order = sql.unsafe(direction)
  const first = sql.unsafe(`limit ${most + 1}`)
  // The keys alone are sorted, because the other columns take longer to make than to find again.
  if (sample !== undefined || !place.indexes.has(time === 'created' ? 'i15' : 'i16')) {
    const read = sql.unsafe(`${projectionOf(place, sample)} as jobs`)
    const isWanted = sql`${where} ${inScope(sql, scope)} ${states.length === 0 ? sql`` : sql`and ${hasState(sql, states)}`}`
    return sql`
      select jobs.*
      from ${firstKeys(sql, { jobs: read, where: isWanted, time: key, direction, most })} as sorted
      cross join lateral (
        select jobs.* from ${jobs} where jobs.queue = sorted.in_queue and jobs.native_id = sorted.native_id offset 0
      ) as jobs`
  }
  const queues = sql`
    (
      select queue
      from (select ${sql.unsafe(quotedText(place.domain))}::text as domain, name as queue from ${of}.queue) as every
      where true ${inQueueScope(sql, scope)}
    ) as q`
  const byTime = inOrderOfTime(sql, { place, slice, queues, jobs, key })
  if (states.length === 0 || !states.every((state) => liveStates.includes(state)) || !place.indexes.has('i14'))
    return byTime
  const native = nativeOf(states).map((state) => `'${state}'`)
  if (native.length === 0) return sql`select jobs.* from ${jobs} where false`
  const isIn = sql.unsafe(`in (${native.join(', ')})`)
  return sql`
    with few as materialized (
      select count(*) <= ${fewJobs}::int as are_few
      from (
        select
        from ${queues}
        cross join lateral (
          select from ${of}.job as j where j.name = q.queue and j.state ${isIn} ${sql.unsafe(`limit ${fewJobs + 1}`)}
        ) as live
        ${sql.unsafe(`limit ${fewJobs + 1}`)}
      ) as counted
    )
    select jobs.*
    from (
      select *
      from ${queues}
      cross join lateral (
        select jobs.queue as in_queue, jobs.native_id, jobs.id, ${key} as key
        from ${jobs}
        where jobs.queue = q.queue and jobs.native_state ${isIn} and ${where} and (select are_few from few)
        offset 0
      ) as live
      order by key ${order}, id ${order}
      ${first}
    ) as live
    cross join lateral (
      select jobs.* from ${jobs} where jobs.queue = live.in_queue and jobs.native_id = live.native_id offset 0
    ) as jobs
    union all
    select jobs.* from (${byTime}) as jobs where not (select are_few from few)`
}

interface Walk {
  place: Found
  slice: OrderedSlice
  queues: Fragment
  jobs: Fragment
  key: Fragment
}

/** A query of the first jobs of each queue that can be among the first of all. One queue alone needs no sample. */
function inOrderOfTime(sql: Sql, { place, slice, queues, jobs, key }: Walk): Fragment {
  const { direction, where, most } = slice
  const order = sql.unsafe(direction)
  const sample = Math.ceil((4 * most) / Math.max(1, place.queues ?? 1)) + 1
  const [reaches, everything] = direction === 'desc' ? ['>=', '-infinity'] : ['<=', 'infinity']
  const isOne = slice.scope.queue !== undefined
  const edge = sql`
    with edge as materialized (
      select key
      from ${queues}
      cross join lateral (
        select ${key} as key
        from ${jobs}
        where jobs.queue = q.queue and ${where}
        order by ${key} ${order}
        ${sql.unsafe(`limit ${sample}`)}
      ) as sampled
      order by key ${order}
      ${sql.unsafe(`offset ${most} limit 1`)}
    )`
  const isWithinEdge = sql`and ${key} ${sql.unsafe(reaches)} coalesce((select key from edge), ${sql.unsafe(`'${everything}'`)}::timestamptz)`
  const first = sql.unsafe(`limit ${most + 1}`)
  const walk = (columns: Fragment) => sql`
    select walked.*
    from ${queues}
    cross join lateral (
      select ${columns}
      from ${jobs}
      where jobs.queue = q.queue and ${where} ${isOne ? sql`` : isWithinEdge}
      -- In one queue the order of the uuids is that of the keys.
      order by ${key} ${order}, jobs.native_id ${order}
      ${first}
    ) as walked`
  if (isOne) return walk(sql`jobs.*`)
  if (most > fewKeys) return sql`${edge} ${walk(sql`jobs.*`)}`
  return sql`
    ${edge}
    select jobs.*
    from (
      select *
      from (${walk(sql`jobs.queue as in_queue, jobs.native_id, jobs.id, ${key} as key`)}) as walked
      order by key ${order}, id ${order}
      ${first}
    ) as walked
    cross join lateral (
      select jobs.* from ${jobs} where jobs.queue = walked.in_queue and jobs.native_id = walked.native_id offset 0
    ) as jobs`
}
