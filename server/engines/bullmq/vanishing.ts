import type { VanishingQueue } from '../../../shared/queues/vanishing.ts'
import { inQueueScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { quotedText } from '../parts/sql-text.ts'
import { queuesOf } from './find.ts'

/** How many jobs of each state of a queue are looked at. */
const mostRead = 10

/**
 * The queues with a job that has `removeOnComplete` or `removeOnFail`: when such a job ends, BullMQ deletes it, or older ones that have ended. These
 * options of a worker are in no table.
 */
export async function readVanishing(sql: Sql, { schema, domain }: Found, scope: Narrowed): Promise<VanishingQueue[]> {
  const of = sql.unsafe(schema)
  const constant = sql.unsafe(`${quotedText(domain)}::text`)
  const some = (state: string, order: string) => sql`
    (
      select j.opts from ${of}.job as j where j.queue = q.queue and j.state = ${sql.unsafe(`'${state}'`)}
      order by ${sql.unsafe(order)} ${sql.unsafe(`limit ${mostRead}`)}
    )`
  return [
    ...(await sql<VanishingQueue[]>`
      select domain, queue, array_remove(array[case when completed then 'completed' end, case when failed then 'failed' end], null) as states
      from (select ${constant} as domain, queue from (${queuesOf(sql, schema)}) as named) as q
      cross join lateral (
        select bool_or(${isRemoved(sql, 'removeOnComplete')}) as completed, bool_or(${isRemoved(sql, 'removeOnFail')}) as failed
        from (
          ${some('waiting', 'priority, seq')} union all ${some('delayed', 'process_at_ms')} union all ${some('active', 'locked_until_ms')}
          union all ${some('completed', 'finished_at_ms desc')} union all ${some('failed', 'finished_at_ms desc')}
        ) as jobs
      ) as options
      where (completed or failed) ${inQueueScope(sql, scope)}
      order by queue collate "C"`),
  ]
}

/** An SQL condition on options: true, a number of jobs to keep, or an age; -1 keeps all. */
const isRemoved = (sql: Sql, name: string): Fragment => sql`
  coalesce(opts -> ${sql.unsafe(`'${name}'`)} not in ('false', 'null', '-1', '{"count": -1}'), false)`
