import type { ServerContext, SharedInsert } from '../../call.ts'
import type { Pool } from '../../database/sql.ts'
import { shareStatement } from '../../waiting/shared-statement.ts'
import { type JobShape, type NamedJob, namedJob, wholeJob } from '../job-row.ts'
import { type CallsEntry, hasThreshold, insertJobsOfCalls, isTraced } from './insert-jobs.ts'
import { uuidV7 } from './uuid-v7.ts'

/**
 * Makes the functions by which calls enqueue single jobs, with the answer of each shape. A job with an idempotency key or with dependencies
 * is enqueued alone: its statement may wait for another transaction.
 * @param sql the connections of workers
 */
export const createSharedInsert = (sql: Pool): ServerContext['sharedInsert'] => ({
  whole: sharedInsert(sql, wholeJob),
  named: sharedInsert(sql, namedJob),
})

function sharedInsert<Row extends NamedJob>(sql: Pool, shape: JobShape<Row>): SharedInsert<Row> {
  const insert = shareStatement<CallsEntry, Row>({
    async run(entries) {
      const rows = await insertJobsOfCalls(sql, entries, shape)
      const jobs = new Map(rows.map(({ n, job }) => [n, job]))
      return entries.map((_, n) => jobs.get(n))
    },
    kind: (entry) => `${hasThreshold(entry) ? 'threshold' : ''} ${isTraced(entry) ? 'traced' : ''}`,
    most: 100,
  })
  return async ({ requestId, traceId, traceparent, caller }, job) => {
    if (job.idempotency_key !== undefined || job.depends_on !== undefined) return undefined
    return insert(
      { ...job, uuid: uuidV7(), caller, request_id: requestId, trace_id: traceId, traceparent },
      job.payload,
    )
  }
}
