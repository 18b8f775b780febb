import { inScope } from '../../database/scope.ts'
import type { EngineHistory } from '../adapter.ts'
import { quotedText } from '../parts/sql-text.ts'
import { queuesOf } from './find.ts'
import { projectionOf } from './projection.ts'

/**
 * Jobs by the times of their ends: the index of BullMQ begins with the queue and the state. It has no index of the time when a job was added, and
 * jobs may be deleted at any time, by `removeOnComplete` and `removeOnFail` of jobs and of workers.
 */
export const history: EngineHistory = {
  notTold: ['created', 'acquired', 'wait'],
  isIndexed: () => true,
  howToIndex: () => 'BullMQ has it',
  ended(sql, { schema, domain, ...found }, { scope, from, to, most }) {
    const jobs = sql.unsafe(`${projectionOf({ schema, domain, ...found })} as jobs`)
    const first = sql.unsafe(`limit ${most + 1}`)
    const { domain: asked, queue } = scope
    return sql`
      (
        select of_queue.*
        from (
          select queue
          from (select ${sql.unsafe(quotedText(domain))}::text as domain, queue from (${queuesOf(sql, schema)}) as every) as named
          where true ${inScope(sql, { domain: asked, queue, within: undefined })}
        ) as q
        cross join unnest(array['completed', 'failed']::${sql.unsafe(schema)}.job_state[]) as ends (state)
        cross join lateral (
          select domain, queue, status, created_at, available_at, started_at, native_ended as ended_at, null::integer as kept_seconds
          from ${jobs}
          where jobs.queue = q.queue and jobs.native_state in ('completed', 'failed') and jobs.native_state = ends.state
            and jobs.native_finished >= ceil(${from}::float8 * 1000)::bigint and jobs.native_finished < ceil(${to}::float8 * 1000)::bigint
            ${inScope(sql, scope)}
          ${first}
        ) as of_queue
        ${first}
      )`
  },
}
