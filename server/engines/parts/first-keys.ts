import type { Fragment, Sql } from '../../database/sql.ts'
import type { OrderedSlice } from '../adapter.ts'

/** The rows behind the jobs, each part as SQL over a row `j`. */
interface SortedRows {
  /** A part of a `from`: the table with the alias `j`. */
  rows: string
  /** The columns of a job, as a list for `select`. */
  columns: string
  /** What the rows are sorted by: a column of the table, or an expression. Rows are in the order of the time, too. */
  order: string
  /** The time of the job. */
  time: string
  /** The columns `in_queue` and `native_id`. */
  keys: string
}

interface FirstKeys extends Pick<OrderedSlice, 'direction' | 'most'> {
  /** The jobs of a place, with the alias `jobs`. */
  jobs: Fragment
  /** A condition on `jobs`. */
  where: Fragment
  /** The time by which the jobs are sorted. */
  time: Fragment
  /** The same jobs by their rows; absent where the rows are not sorted by themselves. */
  sorted?: SortedRows | undefined
}

/** The most jobs whose rows are kept whole until it is known whether they are the first ones. */
const fewJobs = 1001

/**
 * The first `most + 1` jobs in the order of a time, and maybe more, where no index is in this order: every job is read.
 * @returns a query in parentheses of `in_queue` and `native_id`
 */
export function firstKeys(sql: Sql, { sorted, ...asked }: FirstKeys): Fragment {
  if (!sorted || asked.most > fewJobs) return sql`(${byTimeWithTies(sql, asked)})`
  const { where, direction, most } = asked
  const { rows, columns, order, time, keys } = sorted
  const kept = 2 * (most + 1)
  const worst = sql.unsafe(`${direction === 'desc' ? 'min' : 'max'}(${time})`)
  // PostgreSQL sorts whole rows without a projection, and keeps only the first of them: to sort all rows takes a file. Further jobs may have the
  // time of the last row that is kept.
  return sql`(
    with near as materialized (
      select j.*
      from ${sql.unsafe(rows)}
      -- Names of the condition are those of a job, and not of the row.
      cross join lateral (select from (select ${sql.unsafe(columns)}) as jobs where ${where}) as wanted
      order by ${sql.unsafe(`${order} ${direction} limit ${kept}`)}
    ),
    enough as materialized (
      select count(*) < ${sql.unsafe(String(kept))} or count(*) filter (where ${sql.unsafe(time)} <> worst) > ${sql.unsafe(String(most))} as are_enough
      from near as j
      cross join (select ${worst} as worst from near as j) as edge
    )
    select ${sql.unsafe(keys)} from near as j where (select are_enough from enough)
    union all
    select in_queue, native_id from (${byTimeWithTies(sql, asked)}) as tied where not (select are_enough from enough)
  )`
}

/**
 * The jobs are sorted by the time alone, since to make the text of every key takes longer than to read the jobs. Those with the same time as the last
 * one are kept for a second sort by key.
 */
function byTimeWithTies(sql: Sql, { jobs, where, time, direction, most }: FirstKeys): Fragment {
  const order = sql.unsafe(direction)
  const first = sql.unsafe(String(most + 1))
  return sql`
    select near.in_queue, near.native_id
    from (
      select ${time} as time, jobs.id, jobs.queue as in_queue, jobs.native_id
      from ${jobs}
      where ${where}
      order by ${time} ${order}
      fetch first ${first} rows with ties
    ) as near
    order by near.time ${order}, near.id ${order}
    limit ${first}`
}
