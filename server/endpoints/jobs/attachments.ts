import { Failure } from '../../../shared/errors.ts'
import type { Attachment } from '../../../shared/jobs/attachments.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Listing, Reading, Reporting, ServerContext } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { hasSafeId } from '../../database/planner-hints.ts'
import { inScope } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import type { InputOf, OwnInputOf } from '../handlers.ts'
import { pageLink } from '../paging.ts'
import { attachmentsOf } from './job-details.ts'
import { type FoundJob, readJob } from './read-job.ts'
import { hasRole, maskAttachment, noteUnmasked, type Unmasking } from './unmasked.ts'

/**
 * Adds an attachment to a job, which is locked so that it is not deleted meanwhile.
 * @throws Failure `not_found` for an unknown job, and for a job of another domain than the request names
 */
export async function addAttachment(
  { sql, within, reportChangedRows }: Reading & Pick<Reporting, 'reportChangedRows'>,
  { id, domain, kind, content_text, url }: OwnInputOf<'addAttachment'>,
): Promise<Attachment> {
  // A transaction, which behind a pooler carries the setting for row level security of another program.
  const [added] = await retryDeadlock(() =>
    sql.begin(
      (tx) => tx<Attachment[]>`
        with job as materialized (
          select id from jobs where id = ${id}::job_id ${inScope(tx, { domain, within })} for key share
        )
        insert into job_attachments (job_id, kind, content_text, url, created_at)
        select id, ${kind}::text, ${content_text ?? null}::text, ${url ?? null}::text, now()
        from job
        returning id, kind, content_text, url, created_at`,
    ),
  )
  if (!added) throw noJob(id, domain)
  reportChangedRows(1)
  return added
}

const noJob = (id: JobId, domain: string | undefined): Failure =>
  new Failure('not_found', domain ? `there is no job ${id} in the domain ${domain}` : `there is no job ${id}`)

/**
 * A page of the attachments of a job, with the header `Link` to the next page. A page ends early when its texts are large.
 * Where a caller with a role sees it without the mask, an event says so.
 * @throws Failure `not_found` for an unknown job, and for a job of another domain than the request names
 */
export async function listAttachments(
  call: Listing & Pick<ServerContext, 'redactor'> & Unmasking,
  request: InputOf<'listAttachments'>,
): Promise<Attachment[]> {
  const { id, domain, limit, redact = hasRole(call) } = request
  const rows = await retryDeadlock(() =>
    call.sql.begin(async (tx) => {
      await tx`select ${limitReadTime(tx)}`
      const job = await readJob(tx, { id, within: call.within })
      if (!job || (domain !== undefined && job.row.domain !== domain)) throw noJob(id, domain)
      if (!redact && hasRole(call)) await noteUnmasked(tx, call, job)
      return readPage(tx, job, request)
    }),
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  if (last && last.found > page.length) {
    call.addHeader('Link', pageLink({ domain, after_id: last.id, limit, redact: request.redact }, 'next'))
  }
  return redact ? page.map((row) => maskAttachment(row, call.redactor.text)) : page
}

/** A page has no further attachment once its texts have this many bytes. */
const fullPageBytes = 8 * 2 ** 20

interface Row extends Attachment {
  /** How many attachments there are from the beginning of the page on, at most one more than the limit. */
  found: number
}

const readPage = (sql: Sql, job: FoundJob, { after_id, limit }: InputOf<'listAttachments'>) => sql<Row[]>`
  select id, kind, content_text, url, created_at, found
  from (
    select
      page.*,
      count(*) over () as found,
      sum(coalesce(octet_length(content_text), 0)) over (order by id) - coalesce(octet_length(content_text), 0) as bytes_before
    from (
      select source.id, source.kind, source.content_text, source.url, source.created_at
      ${attachmentsOf(sql, job)}
      where source.job_id = ${job.row.id}::job_id and source.id > ${after_id}::bigint and ${hasSafeId(sql)}
      order by source.id
      limit ${limit + 1}
    ) as page
  ) as measured
  where bytes_before < ${fullPageBytes}::bigint
  order by id`
