import type { Fragment, Sql } from '../../database/sql.ts'
import type { OrderedSlice } from '../adapter.ts'

interface FirstKeys extends Pick<OrderedSlice, 'direction' | 'most'> {
  /** The jobs of a place, with the alias `jobs`. */
  jobs: Fragment
  /** A condition on `jobs`. */
  where: Fragment
  /** The time by which the jobs are sorted. */
  time: Fragment
}

/**
 * The first `most + 1` jobs in the order of a time, where no index is in this order: every job is read. They are sorted by the time alone, since
 * to make the text of every key takes longer than to read the jobs. Those with the same time as the last one are kept for a second sort by key.
 * @returns a query in parentheses of `in_queue` and `native_id`
 */
export function firstKeys(sql: Sql, { jobs, where, time, direction, most }: FirstKeys): Fragment {
  const order = sql.unsafe(direction)
  const first = sql.unsafe(String(most + 1))
  return sql`(
    select near.in_queue, near.native_id
    from (
      select ${time} as time, jobs.id, jobs.queue as in_queue, jobs.native_id
      from ${jobs}
      where ${where}
      order by ${time} ${order}
      fetch first ${first} rows with ties
    ) as near
    order by near.time ${order}, near.id ${order}
    limit ${first}
  )`
}
