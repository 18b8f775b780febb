import type { ForeignHolder, ForeignRows } from '../../../shared/changes/bulk-change.ts'
import { type ArchivedTwins, type PruneRequest as Asked, PruneResult } from '../../../shared/changes/prune.ts'
import type { RefusedAnswer } from '../../../shared/changes/refused.ts'
import { requireServed } from '../../auth/require-scope.ts'
import type { BulkChange, JobSet, Matching, SetWithHolds } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import type { TimeIndex } from '../../bulk/change/selection.ts'
import { currentSet, keptInAnswer, withHolds } from '../../bulk/change/with-holds.ts'
import { countMatching } from '../../bulk/preview/count.ts'
import { isUnchangedSince } from '../../bulk/token/snapshot.ts'
import { referenceTime } from '../../call.ts'
import { inFilter } from '../../database/job-filter.ts'
import { countKept, isKeptByHold, unless } from '../../database/kept-by-hold.ts'
import type { Within } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { type Archive, prepareArchive } from '../../undo/archive/archive.ts'
import { readTwins, refusesTwins, twinsIn, withoutTwins } from '../../undo/archive/archived-twins.ts'
import { deleteJobs } from '../../undo/delete-jobs.ts'
import { countDependents, dependentsInAnswer, isFailedEnd } from '../../undo/dependents-along.ts'
import { deleteEngineJobs } from '../../undo/engine/delete-jobs.ts'
import {
  engineEndedBefore,
  engineEndIndex,
  engineMayDelete,
  engineTarget,
  whyEngineNoPrune,
} from '../../undo/engine/target.ts'
import { isHeldByForeignRows, listForeignHolders, refuseForeignHolders } from '../../undo/foreign/foreign-holders.ts'
import {
  type ForeignKey,
  type ForeignPath,
  readForeignPaths,
  readHoldingKeys,
} from '../../undo/foreign/foreign-keys.ts'
import { countForeignRows, refuseForeignRows, withoutForeignRows } from '../../undo/foreign/foreign-rows.ts'
import { notArchived } from '../../undo/no-way-back.ts'
import { filtersBesideScope, jobsWhere, partsWith, withoutIds } from './filtered.ts'
import { judged, readRefused } from './refused.ts'

/** `leavesTwins`: jobs whose uuid is archived already stay. */
type PruneRequest = Within<Asked> & { leavesTwins: boolean }

/** The time when a finished job ended: the first of its times that is set. An index has this expression. */
const ended = staticFragment((sql) => sql`coalesce(completed_at, cancelled_at, quarantined_at, created_at)`)

/** True for finished jobs in scope; with the literal list the planner can use the partial index. */
const finished = (sql: Sql, request: PruneRequest) => sql`
  status in ('completed', 'failed', 'cancelled', 'quarantined')
  and status = any(${request.statuses})
  ${inFilter(sql, request)}`

const endOfRetention = (sql: Sql, set: Pick<JobSet, 'asOf'>, { older_than_days }: PruneRequest) =>
  sql`${referenceTime(sql, set)} - ${older_than_days}::int * interval '24 hours'`

function pastRetention(sql: Sql, set: JobSet, request: PruneRequest) {
  const time = endOfRetention(sql, set, request)
  return sql`
  ${ended(sql)} < ${time} ${engineEndedBefore(sql, time)}`
}

/** True for jobs past their retention that no hold keeps. */
const isDeletable = (sql: Sql, set: SetWithHolds, request: PruneRequest) => sql`
  ${pastRetention(sql, set, request)} ${unless(sql, isKeptByHold(sql, set.holds))}`

/** True for jobs that the prune deletes; the preview and the change share this condition. */
const prunable = (sql: Sql, set: SetWithHolds, request: PruneRequest) => sql`
  ${finished(sql, request)} and ${isDeletable(sql, set, request)} and ${isUnchangedSince(sql, set.snapshot)}
  ${withoutTwins(sql, request.leavesTwins)} ${engineMayDelete(sql, 'prune')}`

/** The same without the jobs that are passed over. */
const deletableOf = (sql: Sql, set: SetWithHolds, request: PruneRequest, holding: readonly ForeignKey[]) =>
  request.pass_over_foreign
    ? sql`${prunable(sql, set, request)} and not (${isHeldByForeignRows(sql, holding)})`
    : prunable(sql, set, request)

/**
 * Deletes finished jobs past their retention, with their attachments and edges.
 * @throws Failure `conflict` when the archive cannot store the jobs; `forbidden` for rows of other tables under a scope
 */
export async function describe(asked: Within<Asked>, terms: Terms): Promise<BulkChange<PruneResult>> {
  const { sql, caller: id, identity, within } = terms
  const isArchived = terms.archiveBeforeDelete && !asked.no_archive
  const isOwn = servedBy(sql).mode === 'own'
  const request = { ...asked, leavesTwins: isOwn && isArchived && (await refusesTwins(sql)) }
  if (request.with_foreign_rows) {
    const refused = 'with_foreign_rows deletes rows of other tables, which lie in no domain'
    requireServed({ ...identity, id, within }, { refused })
  }
  const [paths, holding] = [await readForeignPaths(sql), await readHoldingKeys(sql)]
  if (!request.dry_run) {
    const archive = isArchived && isOwn ? await prepareArchive(sql) : undefined
    return bulkOf(request, { timeIndex: timeIndexOf(sql, request), isArchived, archive, paths, holding })
  }
  const bulk = bulkOf(request, { timeIndex: undefined, isArchived, archive: undefined, paths: [], holding })
  return {
    ...bulk,
    async dryRun(makePreview) {
      const previewed = await makePreview<Details>({
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
      const { foreign_rows, foreign_holders = [], already_archived, ...about } = previewed.more
      const holders = foreign_holders.length > 0 && { foreign_holders }
      return {
        deleted: previewed.preview.count,
        ...about,
        ...(already_archived && { already_archived }),
        ...(await readNeeded(sql, request, bulk)),
        preview: { ...previewed.preview, foreign_rows, ...holders },
      }
    },
  }
}

/** `from jobs where …`: jobs past their retention that no hold keeps, whose uuid may be archived already. */
const leftOut = (sql: Sql, set: SetWithHolds, request: PruneRequest) =>
  jobsWhere(sql, request, (rest) => sql`${finished(sql, rest)} and ${isDeletable(sql, set, rest)}`)

/** The jobs that would be deleted if their engine did not need them, such as those for which another job waits. */
async function readNeeded(sql: Sql, request: PruneRequest, bulk: Pick<Matching, 'keptByHold'>): Promise<RefusedAnswer> {
  const why = whyEngineNoPrune(sql)
  if (!why) return {}
  const rows = leftOut(sql, await withHolds(sql, bulk), request)
  return readRefused(sql, { refused: () => judged(sql, why, rows) })
}

function timeIndexOf(sql: Sql, request: PruneRequest): TimeIndex | undefined {
  if (servedBy(sql).mode === 'own') return { along: ended, type: 'timestamptz', isOfAll: true }
  const index = engineEndIndex(sql)
  return index && { ...index, isOfAll: false, before: (of, set) => index.before(of, endOfRetention(of, set, request)) }
}

interface Deleting {
  /** The index of the ends; undefined for an engine whose indexes have no order over all queues, and for a preview. */
  timeIndex: TimeIndex | undefined
  isArchived: boolean
  archive: Archive | undefined
  /** The foreign keys whose rows keep their job, where the request does not delete them. Of a preview none: it counts the rows. */
  paths: readonly ForeignPath[]
  holding: readonly ForeignKey[]
}

function bulkOf(
  request: PruneRequest,
  { timeIndex, isArchived, archive, paths, holding }: Deleting,
): BulkChange<PruneResult> {
  const { statuses, older_than_days, domain, queue, job_type, pass_over_foreign } = request
  const filters = {
    statuses,
    older_than_days,
    domain,
    queue,
    job_type,
    ...filtersBesideScope(request),
    ...(request.with_foreign_rows && { with_foreign_rows: true }),
    ...(pass_over_foreign && { pass_over_foreign: true }),
    ...(request.no_archive && { no_archive: true }),
  }
  const kept = request.with_foreign_rows ? [] : paths
  /** Rows of other tables that come between the check and a batch keep their job. */
  const deletable = (sql: Sql, set: SetWithHolds, rest: PruneRequest) =>
    sql`${deletableOf(sql, set, rest, holding)} ${withoutForeignRows(sql, kept, set.holds)}`
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
    matching: (sql, set) => jobsWhere(sql, request, (rest) => deletable(sql, set, rest)),
    time: ended,
    timeIndex,
    archives: isArchived,
    restorable: (sql) => (isArchived ? sql`true` : sql`false`),
    ...(request.no_archive && { noWayBack: notArchived }),
    dependents: (sql, set, only) =>
      countDependents(sql, deletableOf(sql, set, request, holding), { fails: isFailedEnd(sql), only }),
    keptByHold,
    check: async (sql, set) => {
      const matching = jobsWhere(sql, request, (rest) => deletableOf(sql, set, rest, holding))
      if (!pass_over_foreign) await refuseForeignHolders(sql, holding, matching)
      await refuseForeignRows(sql, kept, matching)
    },
    // A row of another table that comes at the last moment keeps its job, too.
    ...(pass_over_foreign && { rejected: new Map() }),
    batch: async (tx, context, selection) => {
      const where = deletable(tx, context, withoutIds(request, selection))
      const target = engineTarget(tx)
      if (target) return { deleted: await deleteEngineJobs(tx, context, target, { where, selection, isArchived }) }
      return deleteJobs(tx, context, { where, selection, archive })
    },
    ownAnswer: async ({ sql, counts, within }) => {
      const left = async () => readTwins(sql, leftOut(sql, await withHolds(sql, { keptByHold }), request))
      // The jobs are deleted: an answer without this is better than none.
      const already_archived = request.leavesTwins ? await left().catch(() => undefined) : undefined
      return {
        deleted: counts.deleted ?? 0,
        ...dependentsInAnswer(counts, within),
        ...(await keptInAnswer(sql, keptByHold)),
        ...(pass_over_foreign && { passed_over: await countMatching(sql, passedOver, currentSet) }),
        ...(already_archived && { already_archived }),
        // The jobs are deleted: an answer without these is better than none.
        ...(await readNeeded(sql, request, { keptByHold }).catch(() => ({}))),
      }
    },
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
  select count(*) from jobs where ${finished(sql, request)} and (${isDeleted(sql, set, request)}) is not true`

const isDeleted = (sql: Sql, set: SetWithHolds, request: PruneRequest) =>
  sql`${isDeletable(sql, set, request)} ${engineMayDelete(sql, 'prune')}`

function groups(sql: Sql, set: SetWithHolds, request: PruneRequest) {
  const isPast = isDeleted(sql, set, request)
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
