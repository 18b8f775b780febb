import { verifyOperations } from '../../../shared/endpoints.ts'
import { call, type Outcome } from './calls.ts'
import { type Context, retryWhileUnavailable } from './context.ts'

/** The record of an operation, and the numbers of rows and events that belong to the operation. */
interface FoundOperation {
  id: number
  kind: string
  state: string
  /** The id of the request that started the operation. */
  request: string
  affected: number
  batches: number
  /** The number of archived jobs. */
  archived: number
  /** The number of row images. */
  rowImages: number
  /** The number of job events. */
  jobEvents: number
  /** The number of dependents that the operation cancelled, which `affected` does not count. */
  cancelledDependents: number
  /** The number of events of the operation itself, one for each batch. */
  batchEvents: number
  /** The sum of affected jobs in the events of the operation itself. */
  affectedInEvents: number
}

/** The time within which the record of a change whose server was killed must end, or show further jobs, in seconds. */
const limitSeconds = 25

/** Waits until no operation is running. Reports a violation when one is running that changed no job for 25 s. */
export async function untilEnded({ sql, reportViolation }: Pick<Context, 'sql' | 'reportViolation'>): Promise<void> {
  for (let [since, before] = [Date.now(), '']; ; ) {
    const running = await retryWhileUnavailable(
      () => sql<{ id: number; affected: number }[]>`
        select id::int, affected::int from job_operations where state = 'running' order by id`,
    )
    if (running.length === 0) return
    const now = JSON.stringify(running)
    if (now !== before) [since, before] = [Date.now(), now]
    if (Date.now() - since > limitSeconds * 1000) {
      return reportViolation(`operation ${running[0]?.id} is running, and changed no job for ${limitSeconds} s`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Returns the operations with an id above `since`. Call it before an undo of them, which moves archived jobs back. */
export const operationsSince = ({ sql }: Pick<Context, 'sql'>, since: number): Promise<FoundOperation[]> =>
  retryWhileUnavailable(
    () => sql<FoundOperation[]>`
      select
        id::int, kind, state, request_id as request, affected::int, batches,
        (select count(*)::int from jobs_archive where operation_id = o.id) as archived,
        (select count(*)::int from job_operation_rows where operation_id = o.id) as "rowImages",
        (select count(*)::int from job_events e where e.request_id = o.request_id and job_id is not null) as "jobEvents",
        (
          select count(*)::int from job_operation_rows r
          where operation_id = o.id and r.after ->> 'cancellation_reason' like 'dependency%'
        ) as "cancelledDependents",
        (select count(*)::int from job_events e where e.job_id is null and event_type <> 'operation.sealed' and e.attrs_json ->> 'operation' = o.id::text) as "batchEvents",
        (
          select coalesce(sum((attrs_json ->> 'affected')::int), 0)::int
          from job_events e where e.job_id is null and event_type <> 'operation.sealed' and e.attrs_json ->> 'operation' = o.id::text
        ) as "affectedInEvents"
      from job_operations o
      where id > ${since}
      order by id`,
  )

/** Reports a violation when a record, its archived rows, row images and events differ in the number of jobs. */
export function checkRecords(
  { reportViolation }: Pick<Context, 'reportViolation'>,
  found: readonly FoundOperation[],
): void {
  for (const { id, kind, state, affected, batches, cancelledDependents, ...counts } of found) {
    const compare = (unit: string, count: number, expected: number) => {
      if (count !== expected) {
        reportViolation(`operation ${id} (${kind}, ${state}) has ${count} ${unit}, not ${expected}`)
      }
    }
    if (affected > 0 ? !['done', 'partial'].includes(state) : !['done', 'failed'].includes(state)) {
      reportViolation(`operation ${id} (${kind}) with ${affected} jobs is ${state}`)
    }
    if (affected > 0 !== batches > 0) reportViolation(`operation ${id} has ${affected} jobs in ${batches} batches`)
    compare('archived jobs', counts.archived, kind === 'prune' ? affected : 0)
    const updated = affected + cancelledDependents
    compare('row images', counts.rowImages, kind === 'requeue' || kind === 'sweep' ? updated : 0)
    if (kind !== 'undo' && kind !== 'prune') compare('job events', counts.jobEvents, updated)
    compare('batch events', counts.batchEvents, batches)
    compare('jobs in batch events', counts.affectedInEvents, affected)
  }
}

/**
 * Reports a violation when a response and the record of its operation differ in the outcome or in the number of jobs.
 */
export function checkResponses(
  { reportViolation }: Pick<Context, 'reportViolation'>,
  outcomes: readonly Outcome<unknown>[],
  found: readonly FoundOperation[],
): void {
  for (const { request, body, code, detail = '' } of outcomes) {
    const record = found.find((record) => record.request === request)
    const affected = record?.affected ?? 0
    const subject = `request ${request} (operation ${record?.id}, ${record?.state}, ${affected} jobs)`
    const { deleted, affected: reported = deleted } = Object(body)
    if (body !== undefined && reported !== affected) reportViolation(`${subject} returned ${reported} jobs`)
    if (body !== undefined && record && !['done', 'undone'].includes(record.state)) {
      reportViolation(`${subject} returned success`)
    }
    const returnedError = () => reportViolation(`${subject} returned ${code}: ${detail}`)
    if (affected > 0 && /nothing was changed|not at all/.test(detail)) returnedError()
    const count = code === 'partial' ? Number(/ ([\d,]+) jobs? w/.exec(detail)?.[1]?.replaceAll(',', '')) : affected
    if (count !== affected) returnedError()
    if (code === 'internal' || code === 'none') returnedError()
  }
}

/** Reports a violation when the hash chain of the records is broken. */
export async function checkHashChain({ servers, reportViolation }: Context): Promise<void> {
  const { body, detail } = await call(servers[0].url, verifyOperations, {})
  if (!body?.ok) reportViolation(`the hash chain of the records is broken: ${detail ?? JSON.stringify(body?.days)}`)
}
