import { type PruneRequest, PruneResult } from '../../../shared/changes/prune.ts'
import type { BatchCounts, BulkChange, JobSet, RunningChange } from '../../bulk/bulk-change.ts'
import { previewChange } from '../../bulk/preview.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { Selection } from '../../bulk/selection.ts'
import { isUnchangedSince } from '../../bulk/snapshot.ts'
import { type Call, referenceTime } from '../../call.ts'
import { hasIdAmong } from '../../database/planner-hints.ts'
import { inScope } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { staticFragment } from '../../database/static-fragment.ts'
import { cascade, droppedEvents } from '../../lifecycle/dependents.ts'
import { insertEvents } from '../../lifecycle/job-events.ts'
import { type Archive, insertIntoArchive, insertIntoArchiveBare, prepareArchive } from '../../undo/archive.ts'

/** When a finished job ended, by the first of its times that is set; an index holds this expression. */
const ended = staticFragment((sql) => sql`coalesce(completed_at, cancelled_at, quarantined_at, created_at)`)

/** The finished jobs in scope; the literal list is what lets the partial index serve. */
const finished = (sql: Sql, request: PruneRequest) => sql`
  status in ('completed', 'failed', 'cancelled', 'quarantined')
  and status = any(${request.statuses})
  ${inScope(sql, request)}`

const pastRetention = (sql: Sql, set: JobSet, { older_than_days }: PruneRequest) => sql`
  ${ended(sql)} < ${referenceTime(sql, set)} - ${older_than_days}::int * interval '24 hours'`

/** The only definition of prunable: the preview counts it, and the delete deletes it. */
const prunable = (sql: Sql, set: JobSet, request: PruneRequest) => sql`
  ${finished(sql, request)} and ${pastRetention(sql, set, request)} and ${isUnchangedSince(sql, set.snapshot)}`

/** Deletes finished jobs past their retention, and what hangs on them. */
export async function prune(call: Call, request: PruneRequest): Promise<PruneResult> {
  const bulk = bulkOf(request)
  if (!request.dry_run) {
    const archive = call.archiveBeforeDelete ? await prepareArchive(call.sql) : undefined
    return runBulkChange(call, {
      ...bulk,
      batch: (tx, running, selection) => remove(tx, running, { request, selection, archive }),
    })
  }
  const { preview: previewed, more } = await previewChange<Details>(call, bulk, {
    more: (sql) => details(sql, request),
  })
  return { deleted: previewed.count, ...more, preview: previewed }
}

function bulkOf(request: PruneRequest): Omit<BulkChange<PruneResult>, 'batch'> {
  const { statuses, older_than_days, domain, queue, job_type, max, preview_token } = request
  const filters = { statuses, older_than_days, domain, queue, job_type }
  return {
    kind: 'prune',
    name: 'prune',
    event: 'jobs.pruned',
    scope: request,
    filters,
    request: { ...filters, max },
    max,
    previewToken: preview_token,
    matching: (sql, set) => sql`from jobs where ${prunable(sql, set, request)}`,
    time: ended,
    hasTimeIndex: true,
    affected: ({ deleted = 0 }) => deleted,
    ownAnswer: ({ counts: { deleted = 0 } }) => ({ deleted }),
    output: PruneResult,
  }
}

type Details = Pick<PruneResult, 'groups' | 'kept'>

/** What was asked for beside the count. */
function details(sql: Sql, request: PruneRequest) {
  const now: JobSet = { asOf: undefined, snapshot: undefined }
  const wanted = [
    ...(request.detail_top_k > 0
      ? [sql`(select coalesce(jsonb_agg(largest), '[]') from (${groups(sql, now, request)}) as largest) as groups`]
      : []),
    ...(request.include_kept ? [sql`(${kept(sql, now, request)}) as kept`] : []),
  ]
  return sql`select ${wanted.length === 0 ? sql`` : wanted.reduce((list, one) => sql`${list}, ${one}`)}`
}

const kept = (sql: Sql, set: JobSet, request: PruneRequest) => sql`
  select count(*) from jobs where ${finished(sql, request)} and (${pastRetention(sql, set, request)}) is not true`

function groups(sql: Sql, set: JobSet, request: PruneRequest) {
  const goes = pastRetention(sql, set, request)
  const withKept = sql`,
    count(*) filter (where (${goes}) is not true) as keep,
    to_char(min(${ended(sql)}) filter (where ${goes}) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as oldest`
  return sql`
    select
      domain, queue, job_type, status,
      count(*) filter (where ${goes}) as count
      ${request.include_kept ? withKept : sql``}
    from jobs
    where ${request.include_kept ? finished(sql, request) : prunable(sql, set, request)}
    group by domain, queue, job_type, status
    having count(*) filter (where ${goes}) > 0
    order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
    limit ${request.detail_top_k}`
}

interface Removal {
  request: PruneRequest
  selection: Selection
  /** Where the rows go; absent means nowhere. */
  archive: Archive | undefined
}

async function remove(tx: Sql, running: RunningChange, removal: Removal): Promise<BatchCounts> {
  const bare = running.optimistic ? await removeBare(tx, running, removal) : 0
  return bare > 0 ? { deleted: bare } : removeWithAll(tx, running, removal)
}

/** Nothing, unless it can be no more than the jobs themselves: then they need not be gathered for what hangs on them. */
async function removeBare(tx: Sql, running: RunningChange, { request, selection, archive }: Removal): Promise<number> {
  const gone = tx`
    delete from jobs
    where ${selection.matches(tx, prunable(tx, running, request))}
      and not (select exists (select from job_dependencies) or exists (select from job_attachments))`
  if (!archive) return (await tx`${gone}`).count
  // What was deleted counts: a trigger of another program may have put it elsewhere.
  const [{ deleted }] = await tx<[{ deleted: number }]>`
    with gone as (${gone} returning jobs.*), archived as (${insertIntoArchiveBare(tx, archive, running)})
    select count(*) as deleted from gone`
  return deleted
}

async function removeWithAll(
  tx: Sql,
  running: RunningChange,
  { request, selection, archive }: Removal,
): Promise<BatchCounts> {
  const where = prunable(tx, running, request)
  const matching = selection.matches(tx, where)
  const picked = tx`picked as materialized (select id from jobs where ${matching} for update skip locked),`
  // By their ids alone, and asked again: another job may have the id of one.
  const isPicked = tx`${hasIdAmong(tx, tx`select id from picked`)} and (${where}) is true`
  const [row] = await tx<[{ deleted: number }]>`
    with recursive
    ${running.optimistic ? tx`` : picked}
    gone as (
      delete from jobs
      where ${running.optimistic ? matching : isPicked}
      returning ${archive ? tx`jobs.*` : tx`id, uuid, status`}
    ),
    -- Looked for once: most jobs have nothing that hangs on them. What has is named one by one: for a join the planner
    -- may compare each with each, where it takes both for few.
    hanging as materialized (
      select
        exists (select from job_dependencies) as edges,
        exists (
          select from job_attachments where job_id between (select min(id) from gone) and (select max(id) from gone)
        ) as attachments
    ),
    -- With the edge goes what would have told a waiting job that it can never run.
    ended as (select uuid, status from gone where (select edges from hanging)),
    ${cascade(tx)},
    told as (${insertEvents(tx, running, droppedEvents(tx))}),
    attachments as (
      delete from job_attachments
      where job_id = any(array(select id from gone where (select attachments from hanging)))
      returning *
    ),
    dependencies as (
      delete from job_dependencies where job_uuid = any(array(select uuid from ended)) returning *
    ),
    dependents as (
      delete from job_dependencies
      where depends_on_job_uuid = any(array(select uuid from ended))
      returning *
    )
    ${archive ? tx`, archived as (${insertIntoArchive(tx, archive, running)})` : tx``}
    select count(*) as deleted from gone`
  return row
}
