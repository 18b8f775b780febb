import { mostRelated } from '../../../shared/explain/phrases.ts'
import type { JobDetails, RelatedJob } from '../../../shared/jobs/show.ts'
import type { Acting } from '../../call.ts'
import {
  clusterDigits,
  clusterId,
  failureCode,
  failureMessage,
  failureState,
  isFailure,
  patternOf,
} from '../../database/error-pattern.ts'
import { hasKeys } from '../../database/job-ids.ts'
import { writeJson } from '../../database/lossless-json.ts'
import { isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { ofEventHere } from '../../engines/of-place.ts'
import { placeOf, servedBy } from '../../engines/served.ts'
import { attrsOfEvent } from '../../lifecycle/events/job-events.ts'
import { type FoundJob, readJob, type Wanted } from './read-job.ts'

const mostAttachments = 20
const mostEvents = 50

type Attachment = JobDetails['attachments'][number]
type Event = JobDetails['events'][number]

/** A job with what belongs to it. */
interface WholeJob {
  job: FoundJob
  details: JobDetails
}

/**
 * Reads a job and what belongs to it beside its row; undefined for an unknown id, and for a job outside of the scope of the caller. An
 * archived job has its attachments and edges in its row. Of its dependencies, those on jobs outside of the scope of the caller do not exist for the
 * caller.
 */
export async function readWholeJob(sql: Sql, { id, within }: Wanted): Promise<WholeJob | undefined> {
  if (hasKeys(sql)) return readJobOfEngine(sql, { id, within })
  const job = await readJob(sql, { id, within })
  if (!job) return undefined
  // Sent together, since the way to the database takes longer than each of them.
  const [depends_on, dependents, attachments, events, [failure]] = await Promise.all([
    readRelated(sql, job, { own: 'job_uuid', other: 'depends_on_job_uuid', within }),
    readRelated(sql, job, { own: 'depends_on_job_uuid', other: 'job_uuid', within }),
    readAttachments(sql, job),
    readEvents(sql, { id, within }),
    job.archived ? [] : readCluster(sql, id),
  ])
  const details = {
    ...(failure && { cluster: clusterId(failure.digits) }),
    dependencies: listed({ depends_on, dependents }),
    attachments: attachments.toReversed(),
    events: events.toReversed(),
  }
  return { job, details }
}

/** A job of another engine: its events are ours, and all else is what the engine keeps. The lines of its log are one attachment. */
async function readJobOfEngine(sql: Sql, { id, within }: Wanted): Promise<WholeJob | undefined> {
  const surroundingsIn = (domain: string) => {
    const engine = placeOf(sql, domain)
    return engine?.adapter.surroundings?.(engine.of, [engine.found], { id, domain, within })
  }
  // The domain of a job of the only place is known before the job.
  const [only, ...others] = servedBy(sql).places
  const first = only && others.length === 0 ? only.found.domain : undefined
  const [job, events, aroundFirst] = await Promise.all([
    readJob(sql, { id, within }),
    readEvents(sql, { id, within }),
    first === undefined ? undefined : surroundingsIn(first),
  ])
  if (!job) return undefined
  const { domain, updated_at } = job.row
  const isLive = !job.archived && domain !== null
  const around = isLive ? await (domain === first ? aroundFirst : surroundingsIn(domain)) : undefined
  const { log = [], ...related } = around ?? { depends_on: [], dependents: [] }
  const created_at = String(updated_at)
  const attachments =
    log.length === 0 ? [] : [{ id: 1, kind: 'log', content_text: log.join('\n'), url: null, created_at }]
  return { job, details: { dependencies: listed(related), attachments, events: events.toReversed() } }
}

/** As many jobs of each side as an answer has, and whether there are more. */
const listed = ({ depends_on, dependents }: JobDetails['dependencies']): JobDetails['dependencies'] => ({
  depends_on: depends_on.slice(0, mostRelated),
  dependents: dependents.slice(0, mostRelated),
  ...(Math.max(depends_on.length, dependents.length) > mostRelated && { at_least: true }),
})

interface Ends {
  own: 'job_uuid' | 'depends_on_job_uuid'
  other: 'job_uuid' | 'depends_on_job_uuid'
  within: Acting['within']
}

async function readRelated(sql: Sql, job: FoundJob, { own, other, within }: Ends): Promise<RelatedJob[]> {
  if (job.row.uuid === null) return []
  const edges = job.archived
    ? rowsOf(sql, job.archivedEdges, sql`job_uuid text, depends_on_job_uuid text, depends_on_terminal_status text`)
    : sql`from job_dependencies as source`
  // Of a job that is gone: its last status, where the edge has it. `neededBy` says why the name has no table.
  const snapshot = other === 'depends_on_job_uuid' ? sql`depends_on_terminal_status` : sql`null::text`
  const live = await sql<RelatedJob[]>`
    select source.uuid, job.id, coalesce(job.status, source.snapshot) as status, false as archived
    from (select null::text as depends_on_terminal_status) as without_snapshot
    cross join lateral (
      select source.${sql(other)} as uuid, ${snapshot} as snapshot
      ${edges}
      where source.${sql(own)} = ${job.row.uuid}
      offset 0
    ) as source
    left join lateral (select id, status from jobs where jobs.uuid = source.uuid offset 0) as job on true
    where true ${isEndWithin(sql, sql`source.uuid`, within)}
    order by source.uuid
    limit ${mostRelated + 1}`
  const gone = live.filter(({ id }) => id === null).map(({ uuid }) => uuid)
  const archived = new Map((await readArchivedJobs(sql, gone)).map((related) => [related.uuid, related]))
  return live.map((related) => archived.get(related.uuid) ?? related)
}

/** `and …`: true for the uuid of a job within the scope of the caller, live or archived. A job that is nowhere has no domain. */
const isEndWithin = (sql: Sql, uuid: Fragment, within: Acting['within']): Fragment =>
  within
    ? sql`and (
        exists (select from jobs where jobs.uuid = ${uuid} ${isWithin(sql, within)})
        or not exists (select from jobs where jobs.uuid = ${uuid})
          and exists (select from jobs_archive where jobs_archive.uuid = ${uuid} ${isWithin(sql, within)})
      )`
    : sql``

/** The jobs with these uuids that are in the archive. Where a uuid is archived twice, the row with the highest id is the job. */
async function readArchivedJobs(sql: Sql, uuids: readonly string[]): Promise<RelatedJob[]> {
  if (uuids.length === 0) return []
  return [
    ...(await sql<RelatedJob[]>`
      select wanted.uuid, job.id, job.status, true as archived
      from unnest(${uuids}::text[]) as wanted (uuid)
      cross join lateral (
        select id, status
        from jobs_archive
        where jobs_archive.uuid = wanted.uuid and id is not null
        order by id desc
        limit 1
      ) as job`),
  ]
}

/** The cluster of a job that has failed; no row for any other. */
const readCluster = (sql: Sql, id: Wanted['id']) => sql<{ digits: string }[]>`
  select ${clusterDigits(sql, {
    state: failureState(sql),
    code: failureCode(sql),
    pattern: patternOf(sql, failureMessage(sql)),
  })} as digits
  from jobs
  where id = ${id}::job_id and ${isFailure(sql)}`

const readAttachments = (sql: Sql, job: FoundJob) => sql<Attachment[]>`
  select source.id, source.kind, source.content_text, source.url, source.created_at
  ${attachmentsOf(sql, job)}
  where source.job_id = ${job.row.id}::job_id
  order by source.id desc
  limit ${mostAttachments}`

/** `from …`: the attachments as the table `source`, those of other jobs among them: of an archived job the attachments in its row. */
export const attachmentsOf = (sql: Sql, job: FoundJob): Fragment => {
  // Jobs of another engine have no attachments, and ids that are texts.
  const type = hasKeys(sql) ? sql`text` : sql`bigint`
  const columns = sql`id bigint, job_id ${type}, kind text, content_text text, url text, created_at timestamptz`
  return job.archived ? rowsOf(sql, job.archivedAttachments, columns) : sql`from job_attachments as source`
}

/** `from …`: the rows of a list of JSON objects as the table `source`. */
const rowsOf = (sql: Sql, list: unknown, columns: Fragment): Fragment => sql`
  from jsonb_to_recordset(${Array.isArray(list) ? writeJson(list) : '[]'}::text::jsonb) as source (${columns})`

const readEvents = (sql: Sql, { id, within }: Wanted) => sql<Event[]>`
  select
    id, event_type,
    ${attrsOfEvent(sql)} as attrs,
    request_id, created_at
  from job_events
  where job_ref = ${id}::job_id ${isWithin(sql, within)} ${ofEventHere(sql, sql`job_events`)}
  order by id desc
  limit ${mostEvents}`
