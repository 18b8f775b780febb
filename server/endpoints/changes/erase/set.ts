import type { EraseRequest } from '../../../../shared/changes/erase.ts'
import type { JobId } from '../../../../shared/work/job-key.ts'
import type { JobSet, SetWithHolds } from '../../../bulk/change/bulk-change.ts'
import { isUnchangedSince } from '../../../bulk/token/snapshot.ts'
import { inFilter } from '../../../database/job-filter.ts'
import { hasId } from '../../../database/job-ids.ts'
import { countKept, isArchivedKeptByHold, isKeptByHold, notElsewhere, unless } from '../../../database/kept-by-hold.ts'
import { type Holds, noHolds } from '../../../database/read-holds.ts'
import type { Fragment, Sql } from '../../../database/sql.ts'
import { engineMayDelete } from '../../../undo/engine/target.ts'
import { setColumns, type Traced, traces } from '../../../undo/erase-traces.ts'
import type { ForeignPath } from '../../../undo/foreign/foreign-keys.ts'
import { withoutForeignRows } from '../../../undo/foreign/foreign-rows.ts'
import { jobsWhere } from '../filtered.ts'

/** The fields that say whose data is erased. */
export interface Filter
  extends Pick<EraseRequest, 'domain' | 'queue' | 'job_type' | 'owner_user_id' | 'ids' | 'payload'> {
  /** With an owner: jobs that are copies of the owner's, and do not have the owner. */
  copies?: readonly JobId[] | undefined
}

/** The filter, with what of its jobs is erased. */
export type Asked = Filter & Pick<EraseRequest, 'copies_only'>

export interface Erasing {
  request: EraseRequest & Pick<Filter, 'copies'>
  filterHash: string
  /** The foreign keys whose rows keep their job. */
  kept: readonly ForeignPath[]
}

/** True for rows of `jobs`, or of `jobs_archive` under this name, that the filter names. */
const isNamed = (sql: Sql, set: JobSet, filter: Filter, of: 'jobs' | 'jobs_archive'): Fragment => sql`
  ${isUnchangedSince(sql, set.snapshot, of)} ${isOf(sql, filter, set.asOf)}`

/** `and …`: true for rows that the filter names, or that are copies of such. */
function isOf(sql: Sql, { copies = [], ...filter }: Filter, asOf?: string): Fragment {
  const { owner_user_id: owner, ...rest } = filter
  if (copies.length === 0 || owner === undefined) return inFilter(sql, filter, asOf)
  return sql`
    ${inFilter(sql, rest, asOf)} and (jobs.owner_user_id = ${owner}::text or ${hasId(sql, copies)})`
}

/** True for jobs that are erased. A running job is left to its worker. */
export const isErasable = (
  sql: Sql,
  set: SetWithHolds,
  { request, kept }: Pick<Erasing, 'kept'> & { request: Filter },
): Fragment => sql`
  status <> 'processing' and ${isNamed(sql, set, request, 'jobs')} ${withoutForeignRows(sql, kept, set.holds)}
  ${unless(sql, isKeptByHold(sql, set.holds))} ${engineMayDelete(sql, 'erase')}`

/** True for archived jobs, under the name `jobs`, that are erased. */
export const isErasableCopy = (sql: Sql, set: SetWithHolds, filter: Filter): Fragment => sql`
  ${isNamed(sql, set, filter, 'jobs_archive')} ${unless(sql, isArchivedKeptByHold(sql, set.holds))}`

/** `from … where …` for the jobs that the filter names, and for their archived copies under the name `jobs`. */
const named = (sql: Sql, filter: Filter) => ({
  jobs: jobsWhere(sql, filter, (rest) => sql`status <> 'processing' ${isOf(sql, rest)}`),
  copies: sql`from jobs_archive as jobs where true ${isOf(sql, filter)}`,
})

/** A query of one number: how many jobs and archived copies the filter names that a hold keeps. */
export function countHeld(sql: Sql, request: Asked, holds: Holds): Fragment {
  const { jobs, copies } = named(sql, filterOf(request))
  const live = request.copies_only ? sql`select 0::bigint` : countKept(sql, jobs, isKeptByHold(sql, holds))
  return sql`
    select (${live})
      + (${countKept(sql, copies, isArchivedKeptByHold(sql, holds))})`
}

/** A query of the holds that keep these jobs, as `(id, undo_id, jobs)`. A job that several holds keep counts for each. */
export function holdsOver(sql: Sql, request: Asked, holds: Holds): Fragment {
  const { jobs, copies } = named(sql, filterOf(request))
  const counts = eachHold(holds).map(
    ({ id, only }) => sql`
      union all
      select
        ${id}::bigint,
        (${countKept(sql, sql`from live as jobs where true`, isKeptByHold(sql, only))})
          + (${countKept(sql, sql`from copies as jobs where true`, isArchivedKeptByHold(sql, only))})`,
  )
  return sql`
    with live as materialized (select jobs.* ${jobs} and ${request.copies_only ? sql`false` : (isKeptByHold(sql, holds) ?? sql`false`)}),
    copies as materialized (select jobs.* ${copies} and ${isArchivedKeptByHold(sql, holds) ?? sql`false`}),
    counted (id, jobs) as (
      select held.hold_id, count(*)
      from (select id from live union all select id from copies) as jobs
      join jobsctl_held_jobs as held on held.job_ref = jobs.id
      group by held.hold_id
      ${counts.reduce((all, one) => sql`${all} ${one}`, sql``)}
    )
    select hold.id, hold.undo_id, counted.jobs
    from counted
    join jobsctl_holds as hold on hold.id = counted.id
    where hold.until > now() and counted.jobs > 0 ${notElsewhere(sql, holds)}
    order by hold.id
    limit 100`
}

/** Each hold over a filter or an operation, alone. */
const eachHold = ({ filters, operations, places }: Holds): { id: number; only: Holds }[] => [
  ...filters.map((hold) => ({ id: hold.id, only: { ...noHolds, places, filters: [hold] } })),
  ...operations.map((hold) => ({ id: hold.id, only: { ...noHolds, places, operations: [hold] } })),
]

/** The jobs that only events name. The events have no payload by which they could be found. */
export const tracesOf = (sql: Sql, set: JobSet, filter: Filter & Pick<Traced, 'among'>): Fragment | undefined =>
  filter.payload === undefined ? traces(sql, set, filter) : undefined

/** `from jobs where …` for the jobs that still exist. */
export const liveWhere = (sql: Sql, set: SetWithHolds, erasing: Erasing): Fragment =>
  jobsWhere(sql, filterOf(erasing.request), (request) => isErasable(sql, set, { ...erasing, request }))

export function matchingErasure(sql: Sql, set: SetWithHolds, erasing: Erasing): Fragment {
  const filter = filterOf(erasing.request)
  const gone = tracesOf(sql, set, filter)
  return sql`
    from (
      ${erasing.request.copies_only ? sql`` : sql`select ${setColumns(sql)} ${liveWhere(sql, set, erasing)} union all`}
      select ${setColumns(sql)} from jobs_archive as jobs where ${isErasableCopy(sql, set, filter)}
      ${gone ? sql`union all (${gone})` : sql``}
    ) as jobs where true`
}

export const filterOf = ({ domain, queue, job_type, owner_user_id, ids, payload, copies }: Filter): Filter => ({
  domain,
  queue,
  job_type,
  owner_user_id,
  ids,
  payload,
  copies,
})
