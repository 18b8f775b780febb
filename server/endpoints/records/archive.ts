import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { Failure } from '../../../shared/errors.ts'
import type { ArchiveRequest, KeptOperation } from '../../../shared/records/archive.ts'
import type { Listing, Reading, ServerContext } from '../../call.ts'
import { inScope, isWithin, type Within } from '../../database/scope.ts'
import { isRecordWithin } from '../../database/scope-of-record.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { ofOperationHere } from '../../engines/of-place.ts'
import { fromAllPlaces } from '../../engines/served.ts'
import { archivedAt, hasArchive, hasIdInArchive, missingArchiveColumns } from '../../undo/archive/archive.ts'
import { jobOfKey } from '../../undo/engine/target.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { pageLink } from '../paging.ts'

type Meta = OutputOf<'archiveMeta'>

/**
 * Which values an archived job has. Where another program has archived an id twice, the newest row is the job.
 * @throws Failure `not_found` for a job that is not in the archive, and for a job of another domain than the request names
 */
export async function archiveMeta({ sql, within }: Reading, { job_id, domain }: InputOf<'archiveMeta'>): Promise<Meta> {
  const missing = await missingArchiveColumns(sql)
  const [row] = await sql<Meta[]>`
    select
      jobs.id as job_id,
      payload is not null as payload_present,
      result is not null as result_present,
      payload_compressed is not null as payload_compressed_present,
      result_compressed is not null as result_compressed_present
    from jobs_archive as jobs
    where ${hasIdInArchive(sql, [job_id])} ${inScope(sql, { domain, within })}
    ${missing.includes('archived_at') ? sql`` : sql`order by archived_at desc nulls last`}
    limit 1`
  if (row) return row
  throw new Failure('not_found', `there is no job ${job_id} in the archive${domain ? ` of the domain ${domain}` : ''}`)
}

/** The most operations that one call reads. */
const mostScanned = 1000

/** A page of the operations of which jobs can still be given back, with the header `Link` to the next page. */
export async function listArchive(
  call: Listing & Pick<ServerContext, 'archiveDays'>,
  request: ArchiveRequest,
): Promise<KeptOperation[]> {
  const rows = await call.sql.begin(async (tx) => {
    await tx`select ${limitReadTime(tx)}`
    return readKept(
      tx,
      { ...request, within: call.within },
      { days: call.archiveDays, isArchiving: await hasArchive(tx) },
    )
  })
  const [bounds] = rows
  const found = rows.filter((row): row is Row & KeptOperation => row.operation_id !== null)
  const page = found.slice(0, request.limit)
  const isCut = found.length > page.length
  const before_id = isCut ? page.at(-1)?.operation_id : bounds?.lowest
  if (before_id != null && (isCut || (bounds?.scanned ?? 0) === mostScanned))
    call.addHeader('Link', pageLink({ ...request, before_id }, 'next'))
  return page
}

interface Row {
  scanned: number
  /** The lowest id that was read. */
  lowest: number | null
  operation_id: number | null
}

interface Keeping {
  /** How many days jobs are kept of an operation without a term of its own. */
  days: number
  /** False where the archive lacks the columns in which operations keep their jobs. */
  isArchiving: boolean
}

/** One row for each operation in scope, at most one more than the limit; one row without an operation where there is none. */
const readKept = (sql: Sql, request: Within<ArchiveRequest>, { days, isArchiving }: Keeping) => sql<
  (Row & KeptOperation)[]
>`
  with recursive
  ${operationsIn(sql, { table: 'job_operation_rows', as: 'imaged', before: request.before_id })},
  ${isArchiving ? sql`${operationsIn(sql, { table: 'jobs_archive', as: 'archived', before: request.before_id })},` : sql``}
  scanned as materialized (
    select id
    from (
      ${someOf(sql, 'imaged')}
      ${isArchiving ? sql`union ${someOf(sql, 'archived')}` : sql``}
    ) as either
    order by id desc
    ${sql.unsafe(`limit ${mostScanned}`)}
  )
  select bounds.*, page.*
  from (select count(*) as scanned, min(id) as lowest from scanned) as bounds
  left join lateral (
    select
      done.id as operation_id, kind, state, domain, queue, job_type, caller, reason, ended_at,
      ${keptJobs(sql, isArchiving, request.within)} as jobs,
      greatest(
        coalesce(${isArchiving ? sql`${archivedAt(sql, sql`done.id`)},` : sql``} ended_at, touched_at)
          + coalesce(archive_days, ${days}::int) * interval '24 hours',
        (select max(hold.until) from jobsctl_holds as hold where hold.operation_id = scanned.id)
      ) as kept_until
    from scanned
    join job_operations as done on done.id = scanned.id
    left join jobsctl_operation_terms as term on term.operation_id = scanned.id
    where state <> 'running' ${inScope(sql, { ...request, within: undefined })} ${isRecordWithin(sql, request.within)}
    order by scanned.id desc
    limit ${request.limit + 1}
  ) as page on true
  order by page.operation_id desc`

interface Source {
  table: 'job_operation_rows' | 'jobs_archive'
  as: 'imaged' | 'archived'
  /** Only operations with a lower id. */
  before: number
}

/** Defines a recursive CTE `(id)`: the operations that have rows in a table, the newest first, an index entry for each. */
const operationsIn = (sql: Sql, { table, as, before }: Source): Fragment => {
  const from = sql.unsafe(`from ${table}`)
  return sql`
    ${sql(as)} (id) as (
      (select operation_id ${from} where operation_id < ${before}::bigint order by operation_id desc limit 1)
      union all
      select (select operation_id ${from} where operation_id < ${sql(as)}.id order by operation_id desc limit 1)
      from ${sql(as)}
      where ${sql(as)}.id is not null
    )`
}

const someOf = (sql: Sql, as: Source['as']): Fragment =>
  sql`(select id from ${sql(as)} where id is not null ${sql.unsafe(`limit ${mostScanned}`)})`

/** The jobs of an operation that are kept. Once an undo has given some back, the rest is counted, up to 100,000. */
const keptJobs = (sql: Sql, isArchiving: boolean, within: TokenScope | undefined): Fragment => sql`
  case
    when undone_by is null and done.id::text <> all(array(${undoneInPart(sql)})) then affected
    else (
      select count(*)
      from (
        select from job_operation_rows kept where kept.operation_id = done.id ${within ? jobIsWithin(sql, within) : sql``}
        ${isArchiving ? sql`union all select from jobs_archive kept where kept.operation_id = done.id ${isWithin(sql, within, sql`kept`)}` : sql``}
        limit 100000
      ) as kept
    )
  end`

const jobIsWithin = (sql: Sql, within: TokenScope): Fragment =>
  sql`and exists (${fromAllPlaces(sql, (of) => jobOfKey(of, 'kept.job_ref', of`${isWithin(of, within, of`other`)} ${ofOperationHere(of, of`kept.operation_id`)}`))})`

/** The operations, as text, that an undo of a part has undone since. Needs the CTE `scanned`. */
const undoneInPart = staticFragment(
  (sql) => sql`
  select filters ->> 'operation'
  from job_operations
  where id > (select min(id) from scanned) and kind = 'undo' and undoes is null and affected > 0
    and filters ->> 'operation' is not null`,
)
