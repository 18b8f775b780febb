import { inScope } from '../../database/scope.ts'
import type { EngineHistory } from '../adapter.ts'
import { projectionOf } from './projection.ts'

/**
 * Dead jobs by the times when they failed for good. Completed jobs are deleted, so that what was made and what has run is not told. No index has
 * these times: the jobs that are there are read.
 */
export const history: EngineHistory = {
  notTold: ['created', 'acquired', 'completed', 'wait', 'run'],
  isIndexed: () => false,
  howToIndex: ({ schema }) =>
    `This makes one: create index concurrently on ${schema}._private_jobs (updated_at) where is_available = false and locked_at is null`,
  ended: (sql, found, { scope, from, to, most }) => sql`
    (
      select domain, queue, status, created_at, available_at, null::timestamptz as started_at, native_ended as ended_at, null::integer as kept_seconds
      from ${sql.unsafe(projectionOf(found))} as jobs
      where jobs.native_available = false and jobs.native_locked_at is null
        and jobs.native_ended >= to_timestamp(${from}::float8) and jobs.native_ended < to_timestamp(${to}::float8) ${inScope(sql, scope)}
      ${sql.unsafe(`limit ${most + 1}`)}
    )`,
}
