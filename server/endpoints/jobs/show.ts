import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type { JobSurroundings, showJob as showing } from '../../../shared/jobs/show.ts'
import type { Call } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { limitReadTime } from '../../database/read-timeout.ts'
import type { Redactor } from '../../redact.ts'
import { type FoundJob, readJob } from './read-job.ts'
import { readSurroundings } from './surroundings.ts'

/**
 * One job, from the table of jobs or from the archive.
 * @throws Failure `not_found` for an unknown id, and for a job of another domain than the request names
 */
export async function showJob(
  { sql, redactor }: Pick<Call, 'sql' | 'redactor'>,
  { id, domain, redact }: z.output<typeof showing.input>,
): Promise<z.output<typeof showing.output>> {
  const found = await retryDeadlock(() =>
    sql.begin(async (tx) => {
      const [, job] = await Promise.all([tx`select ${limitReadTime(tx)}`, readJob(tx, id)])
      if (!job || (domain !== undefined && job.row.domain !== domain)) return undefined
      return { job, surroundings: await readSurroundings(tx, job) }
    }),
  )
  if (!found)
    throw new Failure('not_found', domain ? `there is no job ${id} in the domain ${domain}` : `there is no job ${id}`)
  const { job, surroundings } = found
  return redact
    ? { ...shown(job, redactor.fields), ...redacted(surroundings, redactor) }
    : { ...shown(job, (fields) => fields), ...surroundings }
}

function shown({ row, archived }: FoundJob, change: Redactor['fields']) {
  const { id, uuid, domain, queue, job_type, status, ...rest } = row
  const lease_fingerprint = typeof row.lease_id === 'string' ? fingerprintOf(row.lease_id) : null
  const { payload, result, ...columns } = change({ ...rest, lease_id: null, completion_token: null })
  const names = { id, uuid, domain, queue, job_type, status }
  return { ...columns, ...names, payload, result, archived, lease_fingerprint }
}

const redacted = (
  { dependencies, attachments, events }: JobSurroundings,
  { fields, text }: Redactor,
): JobSurroundings => ({
  dependencies,
  attachments: attachments.map((attachment) => ({
    ...attachment,
    content_text: attachment.content_text && text(attachment.content_text),
    url: attachment.url && text(attachment.url),
  })),
  events: events.map((event) => ({ ...event, attrs: fields({ attrs: event.attrs }).attrs })),
})

const fingerprintOf = (leaseId: string): string => createHash('sha256').update(leaseId).digest('hex').slice(0, 8)
