import { inScope } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { OrderedSlice } from '../adapter.ts'
import type { Found } from '../found.ts'
import { firstKeys } from '../parts/first-keys.ts'
import { unionInScope } from '../parts/in-places.ts'
import { columnsOfTable, ended, hasState, projectionOf, rowsOf } from './projection.ts'

/**
 * The first jobs of each schema in the order of a time. No index of graphile-worker has this order: the rows are sorted, and the columns
 * of the first of them are read by their keys.
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

function orderedIn(
  sql: Sql,
  place: Found,
  { time, direction, where, states, scope, most, sample }: OrderedSlice,
): Fragment {
  const jobs = sql.unsafe(`${projectionOf(place)} as jobs`)
  const read = sql.unsafe(`${projectionOf(place, sample)} as jobs`)
  const key = time === 'created' ? sql`jobs.created_at` : sql`jobs.native_ended`
  const isWanted = sql`${where} ${inScope(sql, scope)} ${states.length === 0 ? sql`` : sql`and ${hasState(sql, states)}`}`
  const sorted = {
    rows: rowsOf(place, sample),
    columns: columnsOfTable(place),
    order: time === 'created' ? 'j.created_at' : ended,
    time: time === 'created' ? 'j.created_at' : ended,
    keys: 'null::text as in_queue, j.id as native_id',
  }
  return sql`
    select jobs.*
    from ${firstKeys(sql, { jobs: read, where: isWanted, time: key, direction, most, sorted })} as sorted
    cross join lateral (select jobs.* from ${jobs} where jobs.native_id = sorted.native_id offset 0) as jobs`
}
