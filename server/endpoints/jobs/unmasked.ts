import { singleUser } from '../../auth/authenticate.ts'
import type { Acting, Requested } from '../../call.ts'
import type { Redactor } from '../../database/redact.ts'
import type { Sql } from '../../database/sql.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import type { FoundJob } from './read-job.ts'

export type Unmasking = Pick<Acting, 'caller' | 'identity'> & Pick<Requested, 'requestId'>

/** True for a token that was given a role. The single-user key and tokens without a role see jobs unmasked, as in 0.1.0. */
export const hasRole = ({ caller, identity }: Pick<Acting, 'caller' | 'identity'>): boolean =>
  caller !== singleUser.id && identity.role !== 'legacy-admin'

/** Writes the event that says who has seen a job without the mask. */
export const noteUnmasked = (tx: Sql, call: Unmasking, { row }: FoundJob) => {
  const [domain, queue, job_type, owner, trace] = [
    ...[row.domain, row.queue, row.job_type],
    ...[row.owner_user_id, row.trace_id],
  ].map((value) => (typeof value === 'string' ? value : null))
  return insertEvents(
    tx,
    call,
    tx`
      select
        ${row.id}::job_id as id, ${domain ?? null}::text as domain, ${queue ?? null}::text as queue,
        ${job_type ?? null}::text as job_type, ${owner ?? null}::text as owner_user_id, ${trace ?? null}::text as trace_id,
        'job.revealed' as event_type, jsonb_build_object('caller', ${call.caller}::text) as attrs`,
  )
}

/** An attachment with what looks secret in its text and its URL masked. */
export const maskAttachment = <A extends { content_text: string | null; url: string | null }>(
  attachment: A,
  text: Redactor['text'],
): A => ({
  ...attachment,
  content_text: attachment.content_text && text(attachment.content_text),
  url: attachment.url && text(attachment.url),
})
