import { Failure } from '../../../shared/errors.ts'
import type { ListedJob } from '../../../shared/jobs/list.ts'
import type { Call, Reading } from '../../call.ts'
import { isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { attrsOfEvent } from '../../lifecycle/events/job-events.ts'
import type { InputOf } from '../handlers.ts'
import { columns } from './list-page.ts'

type KeyCall = Reading & Pick<Call, 'may' | 'caller' | 'formerCaller'>

/**
 * The job with an idempotency key. The same statement runs for a job that does not exist, for one outside of the scope of the caller,
 * and for one that the caller may not see since another has enqueued it.
 * @throws Failure `not_found` for each of these
 */
export async function jobByKey(
  call: KeyCall,
  { domain, queue, job_type, idempotency_key }: InputOf<'jobByKey'>,
): Promise<ListedJob> {
  const { sql, within, may } = call
  const [job] = await sql<ListedJob[]>`
    select ${columns(sql)}
    from jobs
    where jobs.domain = ${domain}::text and jobs.queue = ${queue}::text and jobs.job_type = ${job_type}::text
      and jobs.idempotency_key = ${idempotency_key}::text
      ${isWithin(sql, within)}
      ${may.has('read') ? sql`` : sql`and ${isEnqueuedBy(sql, call)}`}
    limit 1`
  if (job) return job
  const whose = may.has('read') ? '' : ' that this token has enqueued'
  throw new Failure('not_found', `there is no job with this idempotency key${whose}`)
}

/** True for a job whose event of its making names the caller. */
const isEnqueuedBy = (sql: Sql, { caller, formerCaller }: KeyCall): Fragment => sql`
  exists (
    select
    from job_events
    where job_id = jobs.id and event_type = 'job.created'
      and ${attrsOfEvent(sql)} ->> 'caller' = any(${[caller, formerCaller ?? caller]}::text[])
  )`
