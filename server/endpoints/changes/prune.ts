import type { ForeignHolder, ForeignRows } from '../../../shared/changes/bulk-change.ts'
import { type ArchivedTwins, type PruneRequest as Asked, PruneResult } from '../../../shared/changes/prune.ts'
import { requireServed } from '../../auth/require-scope.ts'
import type { BulkChange, JobSet, Matching, SetWithHolds } from '../../bulk/bulk-change.ts'
import { countMatching } from '../../bulk/preview/count-matching.ts'
import { previewChange } from '../../bulk/preview/preview.ts'
import { isUnchangedSince } from '../../bulk/preview/snapshot.ts'
import { runBulkChange } from '../../bulk/run.ts'
import { currentSet, withHolds } from '../../bulk/with-holds.ts'
import { type Call, referenceTime } from '../../call.ts'
import { inFilter } from '../../database/job-filter.ts'
import { countKept, isKeptByHold, unless } from '../../database/kept-by-hold.ts'
import type { Within } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { type Archive, prepareArchive } from '../../undo/archive/archive.ts'
import { readTwins, refusesTwins, twinsIn, withoutTwins } from '../../undo/archive/archived-twins.ts'
import { deleteJobs } from '../../undo/delete-jobs.ts'
import { countDependents, dependentsInAnswer, isFailedEnd } from '../../undo/dependents-along.ts'
import { isHeldByForeignRows, listForeignHolders, refuseForeignHolders } from '../../undo/foreign-holders.ts'
import { type ForeignKey, type ForeignPath, readForeignPaths, readHoldingKeys } from '../../undo/foreign-keys.ts'
import { countForeignRows, refuseForeignRows, withoutForeignRows } from '../../undo/foreign-rows.ts'
import { notArchived } from '../../undo/no-way-back.ts'
import { jobsWhere, narrowerFilters, partsWith, withoutIds } from './filtered.ts'

/** `leavesTwins`: jobs whose uuid is archived already stay. */
type PruneRequest = Within<Asked> & { leavesTwins: boolean }

/** The time when a finished job ended: the first of its times that is set. An index has this expression. */
const ended = staticFragment((sql) => sql`coalesce(completed_at, cancelled_at, quarantined_at, created_at)`)

/** True for finished jobs in scope; with the literal list the planner can use the partial index. */
const finished = (sql: Sql, request: PruneRequest) => sql`
  status in ('completed', 'failed', 'cancelled', 'quarantined')
  and status = any(${request.statuses})
  ${inFilter(sql, request)}`

const pastRetention = (sql: Sql, set: JobSet, { older_than_days }: PruneRequest) => sql`
  ${ended(sql)} < ${referenceTime(sql, set)} - ${older_than_days}::int * interval '24 hours'`

/** True for jobs past their retention that no hold keeps. */
const isDeletable = (sql: Sql, set: SetWithHolds, request: PruneRequest) => sql`
  ${pastRetention(sql, set, request)} ${unless(sql, isKeptByHold(sql, set.holds))}`

/** True for jobs that the prune deletes; the preview and the change share this condition. */
const prunable = (sql: Sql, set: SetWithHolds, request: PruneRequest) => sql`
  ${finished(sql, request)} and ${isDeletable(sql, set, request)} and ${isUnchangedSince(sql, set.snapshot)}
  ${withoutTwins(sql, request.leavesTwins)}`

/** The same without the jobs that are passed over. */
const deletableOf = (sql: Sql, set: SetWithHolds, request: PruneRequest, holding: readonly ForeignKey[]) =>
  request.pass_over_foreign
    ? sql`${prunable(sql, set, request)} and not (${isHeldByForeignRows(sql, holding)})`
    : prunable(sql, set, request)

/**
 * Deletes finished jobs past their retention, with their attachments and edges.
 * @throws Failure `conflict` when the archive cannot store the jobs; `foreign_rows`; others as `runBulkChange` does
 */
export async function prune(call: Call, asked: Asked): Promise<PruneResult> {
  const isArchived = call.archiveBeforeDelete && !asked.no_archive
  const request = { ...asked, within: call.within, leavesTwins: isArchived && (await refusesTwins(call.sql)) }
  if (request.with_foreign_rows) {
    const refused = 'with_foreign_rows deletes rows of other tables, which lie in no domain'
    requireServed({ id: call.caller, ...call.identity, within: call.within }, { refused })
  }
  const [paths, holding] = [await readForeignPaths(call.sql), await readHoldingKeys(call.sql)]
  const bulk = bulkOf(request, { isArchived, holding })
  if (!request.dry_run) {
    const archive = isArchived ? await prepareArchive(call.sql) : undefined
    const result = await runBulkChange(call, change(request, { bulk, archive, paths, holding }))
    const already_archived = request.leavesTwins
      ? await readTwins(call.operatorSql, leftOut(call.sql, await withHolds(call.operatorSql, bulk), request))
      : undefined
    return { ...result, ...(already_archived && { already_archived }) }
  }
  const { preview: previewed, more } = await previewChange<Details>(call, bulk, {
    ofIncomplete: {},
    more: (sql, set) =>
      details(sql, set, request, {
        rows: countForeignRows(sql, paths, bulk.matching(sql, set)),
        holders: listForeignHolders(
          sql,
          holding,
          jobsWhere(sql, request, (rest) => prunable(sql, set, rest)),
        ),
      }),
  })
  const { foreign_rows, foreign_holders = [], already_archived, ...about } = more
  const holders = foreign_holders.length > 0 && { foreign_holders }
  return {
    deleted: previewed.count,
    ...about,
    ...(already_archived && { already_archived }),
    preview: { ...previewed, foreign_rows, ...holders },
  }
}

/** `from jobs where …`: jobs past their retention that no hold keeps, whose uuid may be archived already. */
const leftOut = (sql: Sql, set: SetWithHolds, request: PruneRequest) =>
  jobsWhere(sql, request, (rest) => sql`${finished(sql, rest)} and ${isDeletable(sql, set, rest)}`)

type Prune = Omit<BulkChange<PruneResult>, 'batch'>

interface Deleting {
  bulk: Prune
  archive: Archive | undefined
  paths: readonly ForeignPath[]
  holding: readonly ForeignKey[]
}

/** The change of a preview. Rows of other tables that come between the check and a batch keep their job. */
function change(request: PruneRequest, { bulk, archive, paths, holding }: Deleting): BulkChange<PruneResult> {
  const kept = request.with_foreign_rows ? [] : paths
  const deletable = (sql: Sql, set: SetWithHolds, rest: PruneRequest) =>
    sql`${deletableOf(sql, set, rest, holding)} ${withoutForeignRows(sql, kept, set.holds)}`
  return {
    ...bulk,
    // A row of another table that comes at the last moment keeps its job, too.
    ...(request.pass_over_foreign && { rejected: new Map() }),
    matching: (sql, set) => jobsWhere(sql, request, (rest) => deletable(sql, set, rest)),
    check: async (sql, set) => {
      const matching = bulk.matching(sql, set)
      if (!request.pass_over_foreign) await refuseForeignHolders(sql, holding, matching)
      await refuseForeignRows(sql, kept, matching)
    },
    batch: async (tx, context, selection) => {
      const where = deletable(tx, context, withoutIds(request, selection))
      return deleteJobs(tx, context, { where, selection, archive })
    },
  }
}

interface Kept {
  isArchived: boolean
  holding: readonly ForeignKey[]
}

function bulkOf(request: PruneRequest, { isArchived, holding }: Kept): Prune {
  const { statuses, older_than_days, domain, queue, job_type } = request
  const narrower = narrowerFilters(request)
  const along = request.with_foreign_rows && { with_foreign_rows: true }
  const unarchived = request.no_archive && { no_archive: true }
  const passing = request.pass_over_foreign && { pass_over_foreign: true }
  const filters = {
    statuses,
    older_than_days,
    domain,
    queue,
    job_type,
    ...narrower,
    ...along,
    ...passing,
    ...unarchived,
  }
  const matching = (sql: Sql, set: SetWithHolds) =>
    jobsWhere(sql, request, (rest) => deletableOf(sql, set, rest, holding))
  const keptByHold = (sql: Sql, set: SetWithHolds) => {
    const old = (rest: PruneRequest) => sql`${finished(sql, rest)} and ${pastRetention(sql, set, rest)}`
    return countKept(sql, jobsWhere(sql, request, old), isKeptByHold(sql, set.holds))
  }
  /** Jobs past their retention that stay, since rows of other tables refer to them. */
  const passedOver: Matching = {
    keptByHold,
    matching: (sql, set) => {
      const held = (rest: PruneRequest) => sql`${prunable(sql, set, rest)} and ${isHeldByForeignRows(sql, holding)}`
      return jobsWhere(sql, request, held)
    },
  }
  return {
    ...partsWith(request, filters),
    kind: 'prune',
    matching,
    time: ended,
    hasTimeIndex: true,
    archives: isArchived,
    restorable: (sql) => (isArchived ? sql`true` : sql`false`),
    ...(request.no_archive && { noWayBack: notArchived }),
    dependents: (sql, set, only) =>
      countDependents(sql, deletableOf(sql, set, request, holding), { fails: isFailedEnd(sql), only }),
    keptByHold,
    ownAnswer: async ({ sql, counts, within }) => ({
      deleted: counts.deleted ?? 0,
      ...dependentsInAnswer(counts, within),
      ...(request.pass_over_foreign && { passed_over: await countMatching(sql, passedOver, currentSet) }),
    }),
    output: PruneResult,
  }
}

type Details = Pick<PruneResult, 'groups' | 'kept'> & {
  foreign_rows?: ForeignRows[]
  foreign_holders?: ForeignHolder[]
  already_archived?: ArchivedTwins | null
}

/** A query of one row with the details that the request asks for beside the count. */
function details(sql: Sql, set: SetWithHolds, request: PruneRequest, foreign: { rows: Fragment; holders: Fragment }) {
  const largest = sql`(select coalesce(jsonb_agg(largest), '[]') from (${groups(sql, set, request)}) as largest) as groups`
  return sql`
    select (${foreign.rows}) as foreign_rows, (${foreign.holders}) as foreign_holders
      ${request.leavesTwins ? sql`, (${twinsIn(sql, leftOut(sql, set, request))}) as already_archived` : sql``}
      ${request.detail_top_k > 0 ? sql`, ${largest}` : sql``}
      ${request.include_kept ? sql`, (${kept(sql, set, request)}) as kept` : sql``}`
}

const kept = (sql: Sql, set: SetWithHolds, request: PruneRequest) => sql`
  select count(*) from jobs where ${finished(sql, request)} and (${isDeletable(sql, set, request)}) is not true`

function groups(sql: Sql, set: SetWithHolds, request: PruneRequest) {
  const isPast = isDeletable(sql, set, request)
  const withKept = sql`,
    count(*) filter (where (${isPast}) is not true) as keep,
    to_char(min(${ended(sql)}) filter (where ${isPast}) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as oldest`
  return sql`
    select
      domain, queue, job_type, status,
      count(*) filter (where ${isPast}) as count
      ${request.include_kept ? withKept : sql``}
    from jobs
    where ${request.include_kept ? finished(sql, request) : prunable(sql, set, request)}
    group by domain, queue, job_type, status
    having count(*) filter (where ${isPast}) > 0
    order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
    limit ${request.detail_top_k}`
}
