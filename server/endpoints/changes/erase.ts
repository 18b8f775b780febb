import { createHmac } from 'node:crypto'
import type { ForeignRows } from '../../../shared/changes/bulk-change.ts'
import { type EraseRequest, EraseResult, type NamedIn, type PassedOver } from '../../../shared/changes/erase.ts'
import { Failure } from '../../../shared/errors.ts'
import type { BatchContext, BatchCounts, BulkChange, JobSet } from '../../bulk/bulk-change.ts'
import { previewChange } from '../../bulk/preview/preview.ts'
import { readSigningKey } from '../../bulk/preview/preview-token.ts'
import { isUnchangedSince } from '../../bulk/preview/snapshot.ts'
import { mentions, recordsNaming } from '../../bulk/record/records-naming.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { Selection } from '../../bulk/selection.ts'
import type { Call } from '../../call.ts'
import { hasCode } from '../../database/errors/error-meanings.ts'
import { inFilter } from '../../database/job-filter.ts'
import { isArchivedKeptByHold, isKeptByHold } from '../../database/kept-by-hold.ts'
import { limitReadTime } from '../../database/read-timeout.ts'
import type { Fragment, Pool, Sql } from '../../database/sql.ts'
import { countDependents } from '../../undo/dependents-along.ts'
import { eraseJobs } from '../../undo/erase-jobs.ts'
import { eraseRemains, setColumns, type Traced, traces } from '../../undo/erase-traces.ts'
import { type ForeignPath, readForeignPaths } from '../../undo/foreign-keys.ts'
import { countForeignRows, refuseForeignRows, withoutForeignRows } from '../../undo/foreign-rows.ts'
import { erasedForGood } from '../../undo/no-way-back.ts'
import { allWhere, jobsWhere, now, withoutIds } from './filtered.ts'

/** The fields that say whose data is erased. */
type Filter = Pick<EraseRequest, 'domain' | 'queue' | 'job_type' | 'owner_user_id' | 'ids' | 'payload'>

interface Erasing {
  request: EraseRequest
  filterHash: string
  /** The foreign keys whose rows keep their job. */
  kept: readonly ForeignPath[]
}

/** True for rows of `jobs`, or of `jobs_archive` under this name, that the filter names. */
const isNamed = (sql: Sql, set: JobSet, filter: Filter): Fragment => sql`
  ${isUnchangedSince(sql, set.snapshot)} ${inFilter(sql, filter, set.asOf)}`

/** True for jobs that are erased. A running job is left to its worker. */
const isErasable = (
  sql: Sql,
  set: JobSet,
  { request, kept }: Pick<Erasing, 'kept'> & { request: Filter },
): Fragment => sql`
  status <> 'processing' and ${isNamed(sql, set, request)} ${withoutForeignRows(sql, kept)} and not ${isKeptByHold(sql)}`

/** True for archived jobs, under the name `jobs`, that are erased. */
const isErasableCopy = (sql: Sql, set: JobSet, filter: Filter): Fragment => sql`
  ${isNamed(sql, set, filter)} and not ${isArchivedKeptByHold(sql)}`

/** A query of one number: how many jobs and archived copies the filter names that a hold keeps. */
const countHeld = (sql: Sql, filter: Filter): Fragment => sql`
  select (
    select count(*)
    ${jobsWhere(sql, filter, (rest) => sql`status <> 'processing' ${inFilter(sql, rest)} and ${isKeptByHold(sql)}`)}
  ) + (
    select count(*) from jobs_archive as jobs where ${isArchivedKeptByHold(sql)} ${inFilter(sql, filter)}
  )`

/** The jobs that only events tell of. The events have no payload by which they could be found. */
const tracesOf = (sql: Sql, set: JobSet, filter: Filter & Pick<Traced, 'among'>): Fragment | undefined =>
  filter.payload === undefined ? traces(sql, set, filter) : undefined

/** `from jobs where …` for the jobs that still exist. */
const liveWhere = (sql: Sql, set: JobSet, erasing: Erasing): Fragment =>
  jobsWhere(sql, filterOf(erasing.request), (request) => isErasable(sql, set, { ...erasing, request }))

function matching(sql: Sql, set: JobSet, erasing: Erasing): Fragment {
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

/**
 * Erases jobs, their archived copies and what else the tables have of them. The record, its events and the preview have a hash of the
 * filter in place of its values.
 * @throws Failure `invalid_request` where the reason, the key or the id of the request names a value; `foreign_rows`; others as
 *   `runBulkChange` does
 */
export async function erase(call: Call, request: EraseRequest): Promise<EraseResult> {
  refuseNames(call, valuesOf(request))
  const paths = await readForeignPaths(call.sql)
  const filterHash = await hashOf(call.sql, filterOf(request))
  const bulk = bulkOf({ request, filterHash, kept: request.with_foreign_rows ? [] : paths })
  if (!request.dry_run) return runBulkChange(call, bulk)
  const previewed = await previewChange<{ foreign_rows?: ForeignRows[] }>(
    call,
    bulkOf({ request, filterHash, kept: [] }),
    {
      ofIncomplete: {},
      more: (sql) =>
        sql`select (${countForeignRows(sql, paths, liveWhere(sql, now, { request, filterHash, kept: [] }))}) as foreign_rows`,
    },
  )
  const { foreign_rows } = previewed.more
  // The owners of the jobs are what must not be told any more.
  const preview = { ...previewed.preview, owners: [], foreign_rows }
  return { affected: preview.count, ...(await readAside(call.sql, request)), filter_hash: filterHash, preview }
}

function bulkOf(erasing: Erasing): BulkChange<EraseResult> {
  const { request, filterHash, kept } = erasing
  const { domain, queue, job_type, max, preview_token, rate, until, ids } = request
  const by = (['owner_user_id', 'payload', 'ids'] as const).filter((name) => request[name] !== undefined)
  const along = request.with_foreign_rows && { with_foreign_rows: true }
  const filters = { domain, queue, job_type, by, filter_hash: filterHash, ...along }
  return {
    kind: 'erase',
    name: 'erasure',
    event: 'jobs.erased',
    scope: request,
    filters,
    request: { ...filters, ...(ids && { id_count: ids.length }), max, rate, until },
    brake: { rate, until },
    max,
    previewToken: preview_token,
    matching: (sql, set) => matching(sql, set, erasing),
    check: (sql, set) => refuseForeignRows(sql, kept, liveWhere(sql, set, { ...erasing, kept: [] })),
    time: (sql) => sql`created_at`,
    restorable: (sql) => sql`false`,
    noWayBack: erasedForGood,
    dependents: (sql) =>
      countDependents(
        sql,
        allWhere(sql, isErasable(sql, now, { ...erasing, request: filterOf(request) })),
        sql`status <> 'completed'`,
      ),
    keptByHold: (sql) => countHeld(sql, filterOf(request)),
    batch: (tx, context, selection) => eraseBatch(tx, context, { ...erasing, selection }),
    batchStatements: 2,
    affected: ({ affected = 0 }) => affected,
    ownAnswer: async ({ sql, counts }) => ({
      affected: counts.affected ?? 0,
      erased: erasedOf(counts),
      ...(await readAside(sql, request)),
      filter_hash: filterHash,
    }),
    output: EraseResult,
  }
}

async function eraseBatch(
  tx: Sql,
  context: BatchContext,
  { request, kept, selection }: Erasing & { selection: Selection },
): Promise<BatchCounts> {
  const filter = filterOf(withoutIds(request, selection))
  const deleted = await eraseJobs(tx, context, { where: isErasable(tx, context, { request: filter, kept }), selection })
  const remains = await eraseRemains(tx, {
    selection,
    deleted,
    archived: isErasableCopy(tx, context, filter),
    traces: tracesOf(tx, context, { ...filterOf(request), among: selection.ids }),
    owner: filter.owner_user_id,
  })
  const attachments = remains.attachments + deleted.attachments
  const jobs = deleted.ids.length
  return { ...remains, attachments, jobs, affected: jobs + remains.archived + remains.gone }
}

const erasedOf = ({ jobs = 0, archived = 0, gone = 0, row_images = 0, attachments = 0, events = 0 }: BatchCounts) => ({
  ...{ jobs, archived, gone, row_images, attachments, events },
})

interface Aside {
  passed_over: PassedOver | null
  named_in: NamedIn | null
}

/** What the erasure leaves: jobs that it passes over, and records that name the values. A slow search ends without an answer. */
async function readAside(sql: Pool, request: EraseRequest): Promise<Aside> {
  const within = <Value>(read: (tx: Sql) => Promise<Value>): Promise<Value | null> =>
    sql
      .begin(async (tx) => {
        await tx`select ${limitReadTime(tx)}`
        return { value: await read(tx) }
      })
      .then(
        ({ value }) => value,
        (error: unknown) => {
          if (hasCode(error, ['57014'])) return null
          throw error
        },
      )
  return {
    passed_over: await within((tx) => readPassedOver(tx, filterOf(request))),
    named_in: await within((tx) => recordsNaming(tx, valuesOf(request))),
  }
}

async function readPassedOver(sql: Sql, filter: Filter): Promise<PassedOver> {
  const { payload, ...others } = filter
  const unreadable = payload
    ? sql`
      select count(*)
      from jobs_archive as jobs
      where jobs.payload is null and jobs.payload_compressed is not null ${inFilter(sql, others)}`
    : sql`select 0::bigint`
  const [row] = await sql<[PassedOver]>`
    select
      (select count(*) ${jobsWhere(sql, filter, (rest) => sql`status = 'processing' ${inFilter(sql, rest)}`)}) as running,
      (${countHeld(sql, filter)}) as held,
      (${unreadable}) as unreadable`
  return row
}

const filterOf = ({ domain, queue, job_type, owner_user_id, ids, payload }: Filter): Filter => ({
  ...{ domain, queue, job_type, owner_user_id, ids, payload },
})

const valuesOf = ({ owner_user_id, payload = [] }: Filter): string[] =>
  [owner_user_id ?? '', ...payload.map(({ value }) => value)].filter((value) => value !== '')

/**
 * A hash of the filter by the signing key of the database: who has only the record cannot try values, and the same filter has the same
 * hash on every server of this database.
 */
async function hashOf(sql: Sql, { ids, ...filter }: Filter): Promise<string> {
  const whole = { ...filter, ids: ids && [...new Set(ids)].sort((one, other) => one - other) }
  return createHmac('sha256', await readSigningKey(sql))
    .update(JSON.stringify(whole))
    .digest('hex')
}

/** The record of the erasure keeps the words of its caller, and would name what was erased. */
function refuseNames({ reason, idempotencyKey, requestId }: Call, values: readonly string[]): void {
  const texts = { 'X-Reason': reason, 'Idempotency-Key': idempotencyKey, 'X-Request-Id': requestId }
  const naming = Object.entries(texts).filter(([, text]) => text !== undefined && mentions(text, values))
  if (naming.length === 0) return
  const names = naming.map(([name]) => name).join(', ')
  throw new Failure('invalid_request', `${names} names the value that is erased; nothing was changed`, {
    hint: 'the record of the erasure would keep it: name the case in place of the person, such as by the number of a ticket',
  })
}
