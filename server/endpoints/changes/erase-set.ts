import type { EraseRequest } from '../../../shared/changes/erase.ts'
import type { JobSet } from '../../bulk/bulk-change.ts'
import { isUnchangedSince } from '../../bulk/preview/snapshot.ts'
import { inFilter } from '../../database/job-filter.ts'
import { isArchivedKeptByHold, isKeptByHold, isKeptByOne } from '../../database/kept-by-hold.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { setColumns, type Traced, traces } from '../../undo/erase-traces.ts'
import type { ForeignPath } from '../../undo/foreign-keys.ts'
import { withoutForeignRows } from '../../undo/foreign-rows.ts'
import { jobsWhere } from './filtered.ts'

/** The fields that say whose data is erased. */
export type Filter = Pick<EraseRequest, 'domain' | 'queue' | 'job_type' | 'owner_user_id' | 'ids' | 'payload'>

export interface Erasing {
  request: EraseRequest
  filterHash: string
  /** The foreign keys whose rows keep their job. */
  kept: readonly ForeignPath[]
}

/** True for rows of `jobs`, or of `jobs_archive` under this name, that the filter names. */
const isNamed = (sql: Sql, set: JobSet, filter: Filter): Fragment => sql`
  ${isUnchangedSince(sql, set.snapshot)} ${inFilter(sql, filter, set.asOf)}`

/** True for jobs that are erased. A running job is left to its worker. */
export const isErasable = (
  sql: Sql,
  set: JobSet,
  { request, kept }: Pick<Erasing, 'kept'> & { request: Filter },
): Fragment => sql`
  status <> 'processing' and ${isNamed(sql, set, request)} ${withoutForeignRows(sql, kept)} and not ${isKeptByHold(sql)}`

/** True for archived jobs, under the name `jobs`, that are erased. */
export const isErasableCopy = (sql: Sql, set: JobSet, filter: Filter): Fragment => sql`
  ${isNamed(sql, set, filter)} and not ${isArchivedKeptByHold(sql)}`

/** A query of one number: how many jobs and archived copies the filter names that a hold keeps. */
export const countHeld = (sql: Sql, filter: Filter): Fragment => sql`
  select (
    select count(*)
    ${jobsWhere(sql, filter, (rest) => sql`status <> 'processing' ${inFilter(sql, rest)} and ${isKeptByHold(sql)}`)}
  ) + (
    select count(*) from jobs_archive as jobs where ${isArchivedKeptByHold(sql)} ${inFilter(sql, filter)}
  )`

/** A query of the holds that keep these jobs, as `(id, undo_id, jobs)`. A job that several holds keep counts for each. */
export const holdsOver = (sql: Sql, filter: Filter): Fragment => sql`
  with live as materialized (
    select jobs.*
    ${jobsWhere(sql, filter, (rest) => sql`status <> 'processing' ${inFilter(sql, rest)} and ${isKeptByHold(sql)}`)}
  ),
  copies as materialized (
    select jobs.* from jobs_archive as jobs where ${isArchivedKeptByHold(sql)} ${inFilter(sql, filter)}
  ),
  counted as (
    select
      one.id, one.undo_id,
      (select count(*) from live as jobs where ${isKeptByOne(
        sql,
        sql`exists (
        select from job_operation_rows as image where image.operation_id = one.operation_id and image.job_id = jobs.id
      )`,
      )}) + (
        select count(*) from copies as jobs where ${isKeptByOne(sql, sql`jobs.operation_id = one.operation_id`)}
      ) as jobs
    from jobsctl_holds as one
    where one.until > now()
  )
  select id, undo_id, jobs from counted where jobs > 0 order by id limit 100`

/** The jobs that only events name. The events have no payload by which they could be found. */
export const tracesOf = (sql: Sql, set: JobSet, filter: Filter & Pick<Traced, 'among'>): Fragment | undefined =>
  filter.payload === undefined ? traces(sql, set, filter) : undefined

/** `from jobs where …` for the jobs that still exist. */
export const liveWhere = (sql: Sql, set: JobSet, erasing: Erasing): Fragment =>
  jobsWhere(sql, filterOf(erasing.request), (request) => isErasable(sql, set, { ...erasing, request }))

export function matchingErasure(sql: Sql, set: JobSet, erasing: Erasing): Fragment {
  const filter = filterOf(erasing.request)
  const gone = tracesOf(sql, set, filter)
  return sql`
    from (
      select ${setColumns(sql)} ${liveWhere(sql, set, erasing)}
      union all
      select ${setColumns(sql)} from jobs_archive as jobs where ${isErasableCopy(sql, set, filter)}
      ${gone ? sql`union all (${gone})` : sql``}
    ) as jobs where true`
}

export const filterOf = ({ domain, queue, job_type, owner_user_id, ids, payload }: Filter): Filter => ({
  ...{ domain, queue, job_type, owner_user_id, ids, payload },
})
