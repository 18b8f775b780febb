import type { Scope } from '../../shared/scope.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import type { JobSet } from '../bulk/change/bulk-change.ts'
import type { Selection } from '../bulk/change/selection.ts'
import { isUnchangedSince } from '../bulk/token/snapshot.ts'
import { idArray } from '../database/job-ids.ts'
import { isImageKeptByHold, unless } from '../database/kept-by-hold.ts'
import type { Holds } from '../database/read-holds.ts'
import { inScope } from '../database/scope.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { ofEventHere } from '../engines/of-place.ts'
import { copyOfKey, jobOfKey } from './engine/target.ts'
import type { Deleted } from './erase-jobs.ts'

/** The attributes of an event after an erasure. */
const erasedAttrs = '{"erased": true}'

/** Whose events are traces: those of an owner, or of ids. */
export interface Traced extends Scope {
  owner_user_id?: string | undefined
  ids?: readonly JobId[] | undefined
  /** Only traces with these ids: an index finds their events. */
  among?: readonly JobId[] | undefined
}

/**
 * The columns that the engine reads of a job, from a source with the alias `jobs`. As text, since a column of another program may
 * have another type in the archive.
 */
export const setColumns = (sql: Sql): Fragment => sql`
  id, uuid::text as uuid, domain::text as domain, queue::text as queue, job_type::text as job_type, status::text as status,
  owner_user_id::text as owner_user_id, payload::text as payload, result::text as result, error_stack::text as error_stack,
  failure_timeline::text as failure_timeline, created_at, jobs.xmin`

/**
 * A query with the columns of `setColumns`: one row with the status `gone` for each job that the events of the owner or of the ids
 * tell of, and that neither `jobs` nor `jobs_archive` has. An event without a job counts as a job of its own, whose id is the
 * negated id of the event.
 */
export const traces = (sql: Sql, { snapshot }: Pick<JobSet, 'snapshot'>, traced: Traced): Fragment => {
  const { owner_user_id: owner, ids, among } = traced
  const sameOwner = owner === undefined ? sql`` : sql`and other.owner_user_id = ${owner}::text`
  return sql`
    select distinct on (${subject(sql)})
      ${subject(sql)} as id, null::text, coalesce(domain, ''), coalesce(queue, ''), coalesce(job_type, ''), 'gone',
      owner_user_id::text, null::text, null::text, null::text, null::text, created_at, jobs.xmin
    from job_events as jobs
    where ${owner === undefined ? sql`true` : sql`jobs.owner_user_id = ${owner}::text`}
      ${ids ? sql`and jobs.job_ref = any(${idArray(sql, ids)})` : sql``}
      ${among ? sql`and ${isOf(sql, among)}` : sql``}
      ${inScope(sql, traced)} ${ofEventHere(sql, sql`jobs`)}
      and ${isNotErased(sql)} and ${isUnchangedSince(sql, snapshot, 'job_events')}
      and not exists (${jobOfKey(sql, 'jobs.job_ref', sameOwner)})
      and not exists (${copyOfKey(sql, 'jobs.job_ref', sameOwner)})
    order by ${subject(sql)}, jobs.id desc`
}

/** True for events of these jobs, and for events without a job whose negated ids these are. */
const isOf = (sql: Sql, ids: readonly JobId[]): Fragment => sql`(
  jobs.job_ref = any(${idArray(sql, ids)})
  or (jobs.job_ref is null and jobs.id = any(${eventsIn(ids).map(String)}::text[]::bigint[]))
)`

/** The ids of events among the subjects of traces. */
const eventsIn = (ids: readonly JobId[]): number[] =>
  ids.map(Number).flatMap((id) => (Number.isSafeInteger(id) ? [-id] : []))

const subject = (sql: Sql): Fragment => sql`coalesce(jobs.job_ref, (-jobs.id)::job_id)`

const isNotErased = (sql: Sql): Fragment => sql`
  (jobs.owner_user_id is not null or jobs.attrs_json::text is distinct from ${erasedAttrs}::text)`

interface Remains {
  selection: Selection
  /** True for rows of `jobs_archive`, with the alias `jobs`, that belong to the set. */
  archived: Fragment
  /** A query like `traces`; absent where the filter finds none. */
  traces: Fragment | undefined
  /** The jobs that the batch has deleted. */
  deleted: Deleted
  owner: string | undefined
  holds: Holds
}

/** How many rows a batch deleted or overwrote beside `jobs`. */
export interface ErasedRemains {
  archived: number
  gone: number
  row_images: number
  attachments: number
  events: number
}

/**
 * Deletes what other tables have of the deleted jobs of a batch, of its archived jobs, and of its jobs that are gone: archived copies,
 * row images, attachments, edges that wait, sightings of workers; and overwrites owner and attributes of their events.
 */
export async function eraseRemains(
  tx: Sql,
  { selection, archived, traces, deleted, owner, holds }: Remains,
): Promise<ErasedRemains> {
  const ids = idArray(tx, deleted.ids)
  // The events of a job that this batch has deleted are no traces: the job is counted already.
  const found = traces
    ? tx`select jobs.id from (${traces}) as jobs where ${selection.matches(tx, tx`jobs.id <> all(${ids})`)}`
    : tx`select null::job_id as id where false`
  const [row] = await tx<[ErasedRemains]>`
    with traced as materialized (${found}),
    archived as (
      delete from jobs_archive as jobs where ${selection.matches(tx, archived)} returning id, uuid::text as uuid
    ),
    whole as materialized (select id from archived union select unnest(${ids})),
    -- An id of the archive or of an event may belong to another job by now.
    absent as materialized (
      select id
      from (select id from whole union select id from traced) as named
      where id = any(${ids}) or not exists (select from jobs where jobs.id = named.id offset 0)
    ),
    row_images as (
      delete from job_operation_rows as images
      where images.job_ref = any(array(select id from absent)) ${unless(tx, isImageKeptByHold(tx, holds))}
      returning images.operation_id
    ),
    attachments as (
      delete from job_attachments where job_id = any(array(select id from absent)) returning job_id
    ),
    edges as (
      delete from jobsctl_waiting_edges
      where uuid = any(array(select uuid from archived union select unnest(${deleted.uuids}::text[])))
    ),
    ${
      owner === undefined
        ? tx``
        : tx`
    marks as (delete from jobsctl_worker_marks where owner_user_id = ${owner}::text),
    asked as (${erasedCalls(tx, owner)}),`
    }
    events as (${erasedEvents(tx, owner)})
    select
      (select count(*) from archived) as archived,
      (select count(*) from traced) as gone,
      (select count(*) from row_images) as row_images,
      (select count(*) from attachments) as attachments,
      (select count(*) from events) as events`
  return row
}

/** A statement that overwrites the filters of calls of agents that name an owner. */
export const erasedCalls = (sql: Sql, owner: string): Fragment => sql`
      update jobsctl_agent_calls set filter = ${erasedAttrs} where strpos(filter, to_json(${owner}::text)::text) > 0`

/**
 * A statement that overwrites owner and attributes of the events of jobs that are erased; it returns a row for each. Needs the CTEs `whole` (jobs
 * that were deleted, archived ones too), `traced` (jobs of which only events are left) and `absent` (those of both that are no more).
 */
export const erasedEvents = (sql: Sql, owner: string | undefined): Fragment => sql`
      update job_events as jobs
      set owner_user_id = null, attrs_json = ${sql.unsafe(`'${erasedAttrs}'`)}
      where (
          jobs.job_ref = any(array(select id from absent where id in (select id from whole)))
          or (
            (
              jobs.job_ref = any(array(select id from whole union select id from traced))
              or (jobs.job_ref is null and jobs.id = any(array(
                select -id::text::bigint from traced where id::text ~ '^-[0-9]+$'
              )))
            )
            and ${owner === undefined ? sql`jobs.job_ref in (select id from absent)` : sql`jobs.owner_user_id = ${owner}::text`}
          )
        )
        and ${isNotErased(sql)} ${ofEventHere(sql, sql`jobs`)}
      returning jobs.id`
