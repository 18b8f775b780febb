import { createHash } from 'node:crypto'
import { Failure } from '../../../shared/errors.ts'
import type { JobDetails } from '../../../shared/jobs/show.ts'
import type { Call, Reading, ServerContext } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { hasKeys } from '../../database/job-ids.ts'
import type { Redactor } from '../../database/redact.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { foldedErrors, hiddenColumns, isContentHidden, openAttrs, withoutContent } from '../hidden.ts'
import { pickPaths } from '../viewer-fields.ts'
import { readWholeJob } from './job-details.ts'
import type { FoundJob } from './read-job.ts'
import { hasRole, maskAttachment, noteUnmasked } from './unmasked.ts'

type ShowCall = Reading & Pick<Call, 'redactor' | 'may' | 'caller' | 'identity' | 'requestId' | 'viewerFields'>

/**
 * One job, from the table of jobs or from the archive. Where a caller with a role sees it without the mask, an event says so.
 * @throws Failure `not_found` for an unknown id, for a job of another domain than the request names, and for one outside of the
 * scope of the caller
 */
export async function showJob(
  call: ShowCall,
  { id, domain, redact = hasRole(call) }: InputOf<'showJob'>,
): Promise<OutputOf<'showJob'>> {
  const { sql, redactor, may, within, viewerFields } = call
  const read = async (of: Sql) => {
    const whole = await readWholeJob(of, { id, within })
    if (!whole || (domain !== undefined && whole.job.row.domain !== domain)) return undefined
    const { job, details } = whole
    if (!redact && hasRole(call) && seesPayload(call)) await noteUnmasked(of, call, job)
    return isContentHidden({ may }) ? hide(of, { job, details, viewerFields }) : { job, details, hidden: undefined }
  }
  const found = await retryDeadlock(() =>
    // An index finds the job of an engine by its key. The ends of a transaction would take longer than all reads together.
    hasKeys(sql)
      ? read(sql)
      : sql.begin(async (tx) => {
          const limited = tx`select ${limitReadTime(tx)}`.execute()
          const [, job] = await Promise.all([limited, read(tx)])
          return job
        }),
  )
  if (!found)
    throw new Failure('not_found', domain ? `there is no job ${id} in the domain ${domain}` : `there is no job ${id}`)
  const { job, details, hidden } = found
  const answer = redact
    ? { ...shown(job, redactor.fields), ...redacted(details, redactor) }
    : { ...shown(job, (fields) => fields), ...details }
  return hidden ? { ...answer, hidden } : answer
}

const seesPayload = ({ may, viewerFields }: Pick<ShowCall, 'may' | 'viewerFields'>): boolean =>
  !isContentHidden({ may }) || viewerFields.length > 0

interface Hidden {
  job: FoundJob
  details: JobDetails
  /** The names of the columns that have been hidden. */
  hidden: string[]
}

interface Hiding {
  job: FoundJob
  details: JobDetails
  viewerFields: ServerContext['viewerFields']
}

/** The job for a caller that may not see payloads: error messages are folded, other content is null but for the fields for viewers. */
async function hide(sql: Sql, { job: { row, archived }, details, viewerFields }: Hiding): Promise<Hidden> {
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  const [error_message = null, last_error = null] = await foldedErrors(sql, [
    text(row.error_message),
    text(row.last_error),
  ])
  const { lease_id } = row // its fingerprint is shown
  const { dependencies, attachments, events, ...others } = details
  return {
    job: {
      row: {
        ...withoutContent(row),
        error_message,
        last_error,
        lease_id,
        payload: pickPaths(row.payload, viewerFields),
      },
      archived,
    },
    details: {
      ...others,
      dependencies,
      attachments: attachments.map((attachment) => ({ ...attachment, content_text: null, url: null })),
      events: events.map((event) => ({ ...event, attrs: openAttrs(event.attrs) })),
    },
    hidden: hiddenColumns(row).filter((name) => !['lease_id', 'completion_token'].includes(name)),
  }
}

function shown({ row, archived }: FoundJob, change: Redactor['fields']) {
  const { id, uuid, domain, queue, job_type, status, native_tid: _, ...rest } = row
  const lease_fingerprint = typeof row.lease_id === 'string' ? fingerprintOf(row.lease_id) : null
  const { payload, result, ...columns } = change({ ...rest, lease_id: null, completion_token: null })
  const names = { id, uuid, domain, queue, job_type, status }
  return { ...columns, ...names, payload, result, archived, lease_fingerprint }
}

const redacted = ({ attachments, events, ...others }: JobDetails, { fields, text }: Redactor): JobDetails => ({
  ...others,
  attachments: attachments.map((attachment) => maskAttachment(attachment, text)),
  events: events.map((event) => ({ ...event, attrs: fields({ attrs: event.attrs }).attrs })),
})

const fingerprintOf = (leaseId: string): string => createHash('sha256').update(leaseId).digest('hex').slice(0, 8)
