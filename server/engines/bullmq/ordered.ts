import { inScope } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { OrderedSlice } from '../adapter.ts'
import type { Found } from '../found.ts'
import { firstKeys } from '../parts/first-keys.ts'
import { unionInScope } from '../parts/in-places.ts'
import { quotedText } from '../parts/sql-text.ts'
import { queuesOf } from './find.ts'
import { columnsOf, created, hasState, projectionOf, rowsOf } from './projection.ts'

const ended = ['completed', 'failed']

/**
 * The first jobs of a list. Ended jobs are read in the order of their end, by the index that begins with the queue and the state. BullMQ has
 * no index of the time of creation: the rows of all jobs in these states are sorted, and the columns of the first of them are read by their keys.
 * @returns a query in parentheses, as `QueueAdapter.ordered` says
 */
export function orderedJobs(sql: Sql, found: readonly Found[], slice: OrderedSlice): Fragment {
  const order = slice.time === 'created' || slice.sample !== undefined ? sortedIn : endedIn
  const all = unionInScope(
    sql,
    found,
    slice.scope,
    (place) => sql`select jobs.* from (${order(sql, place, slice)}) as jobs`,
  )
  return all ? sql`(${all})` : sql`(select * from jobs where false)`
}

function sortedIn(
  sql: Sql,
  place: Found,
  { time, direction, where, states, scope, most, sample }: OrderedSlice,
): Fragment {
  const jobs = sql.unsafe(`${projectionOf(place)} as jobs`)
  const read = sql.unsafe(`${projectionOf(place, sample)} as jobs`)
  const key = time === 'created' ? sql`jobs.created_at` : sql`jobs.native_ended`
  const isWanted = sql`${where} ${inScope(sql, scope)} ${states.length === 0 ? sql`` : sql`and ${hasState(sql, states)}`}`
  const sorted = time === 'created' ? byCreation(place, sample) : undefined
  return sql`
    select jobs.*
    from ${firstKeys(sql, { jobs: read, where: isWanted, time: key, direction, most, sorted })} as sorted
    cross join lateral (
      select jobs.* from ${jobs} where jobs.queue = sorted.in_queue and jobs.native_id = sorted.native_id offset 0
    ) as jobs`
}

/** Times are made of numbers, in the same order: to make the time of every job takes as long as to read the jobs. */
const byCreation = (place: Found, sample: number | undefined) => ({
  rows: rowsOf(place, sample),
  columns: columnsOf(place),
  order: 'j.added_at_ms',
  time: created,
  keys: 'j.queue as in_queue, j.id as native_id',
})

/** Of each queue and each of the two states the first jobs, as many as can be among the first of all. */
function endedIn(sql: Sql, place: Found, { direction, where, states, scope, most }: OrderedSlice): Fragment {
  const jobs = sql.unsafe(`${projectionOf(place)} as jobs`)
  const order = sql.unsafe(direction)
  const { domain, queue } = scope
  const wanted = ended.filter((state) => states.length === 0 || states.includes(state))
  const [first, ...others] = wanted.map(
    (state) => sql`
      (
        select jobs.*
        from ${jobs}
        where jobs.queue = q.queue and ${hasState(sql, [state])} and ${where} ${inScope(sql, scope)}
        order by jobs.native_finished ${order}, jobs.id ${order}
        ${sql.unsafe(`limit ${most + 1}`)}
      )`,
  )
  if (!first) return sql`select jobs.* from ${jobs} where false`
  return sql`
    select jobs.*
    from (
      select *
      from (
        select ${sql.unsafe(quotedText(place.domain))}::text as domain, queue from (${queuesOf(sql, place.schema)}) as every
      ) as named
      where true ${inScope(sql, { domain, queue, within: undefined })}
    ) as q
    cross join lateral (${others.reduce((all, one) => sql`${all} union all ${one}`, first)}) as jobs`
}
