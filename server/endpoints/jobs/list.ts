import type { ListedJob, ListRequest } from '../../../shared/jobs/list.ts'
import { mostScanned } from '../../../shared/jobs/most-scanned.ts'
import { listedJobId } from '../../../shared/work/job-key.ts'
import type { Acting, Listing, ServerContext } from '../../call.ts'
import { planForParameters, preferIndexOrder } from '../../database/planner-hints.ts'
import { type Fragment, type Pool, type Sql, staticFragment } from '../../database/sql.ts'
import { limitListTime, limitReadTime, unlessOverdue } from '../../database/timeouts.ts'
import { servedBy } from '../../engines/served.ts'
import { whyHidden } from '../../engines/watched.ts'
import { missingAmong, readBounded } from '../bounded-read.ts'
import { foldedErrors, isContentHidden } from '../hidden.ts'
import { type CursorKey, cursorKey, openCursor, pageLink, sealCursor, unlessForged } from '../paging.ts'
import { requireVisible } from '../viewer-fields.ts'
import { listByRank } from './list-by-rank.ts'
import { listByTime } from './list-by-time.ts'
import { Cursor, KeyCursor, type Position } from './list-cursor.ts'
import { listNewestByRank } from './list-newest-by-rank.ts'
import { type NarrowedList, type Page, takesAll } from './list-page.ts'
import type { RankKey } from './list-sorted.ts'
import type { TimeKey } from './time-parts.ts'

/**
 * One page of jobs, with the header `Link` to the pages beside it, and `X-Scanned` and `X-Complete`: whether all jobs were
 * compared that the page could have. `X-Only-Newest` is for a list whose pages lack older jobs, and `X-Hides-Rows` for
 * one that lacks those which row-level security hides. Where not all were compared and the database lacks an index for the list, `X-Missing-Index` names it.
 * All statements of a page see the same rows.
 * @throws Failure `invalid_request` for a cursor of another list; `forbidden` for a filter over what the caller may not see
 */
export async function listJobs(
  call: Listing & Acting & Pick<ServerContext, 'viewerFields'>,
  asked: ListRequest,
): Promise<ListedJob[]> {
  requireVisible(call, asked)
  const { within } = call
  const request = { ...asked, ...(within && { within }) }
  const key = await cursorKey(call)
  const { mode, places } = servedBy(call.sql)
  const isOwn = mode === 'own'
  if (!isOwn && whyHidden(places)) call.addHeader('X-Hides-Rows', 'true')
  const cursor = openCursor(request, isOwn ? Cursor : KeyCursor, key)
  const serving = isOwn ? servingIndexes(request) : []
  const read = (asked: NarrowedList, limit: typeof limitReadTime) =>
    call.sql.begin('isolation level repeatable read read only', async (tx) => {
      const domain = isOwn ? onlyDomain(asked) : undefined
      const limited = tx<{ divided: boolean; alone: boolean }[]>`
        select ${limit(tx)}, ${planningOf(tx, asked)}
          ${domain === undefined ? tx`` : tx`, ${isDivided(tx)} as divided, ${hasOwnPartition(tx, domain)} as alone`}`.execute()
      const isAlone = domain !== undefined && wasDivided.get(call.sql) !== false && (await limited)[0]?.alone
      // Where nobody waits for it, it is sent together with the first statement of the page, before it.
      const [[found], page] = await Promise.all([
        limited,
        readPage(tx, { ...asked, partition: isAlone ? domain : undefined }, cursor),
      ])
      if (domain !== undefined) wasDivided.set(call.sql, found?.divided === true)
      return page
    })
  const page = await readBounded(call.sql, serving, async () => {
    if (isOwn || !canBeSampled(request)) return read(request, limitReadTime)
    return (
      (await read(request, limitListTime).catch(unlessOverdue)) ??
      sampled(await read({ ...request, sample: mostScanned }, limitReadTime))
    )
  }).catch(unlessForged(call.sql, cursor?.place && valuesOf(call.sql, cursor.place, request.sort_by)))
  const links = [page.next, page.prev]
    .map((next) => next && linkTo(next, request, key))
    .filter((link) => link !== undefined)
  if (links.length > 0) call.addHeader('Link', links.join(', '))
  // The number has jobs in it that the caller may not count.
  if (!within) call.addHeader('X-Scanned', String(page.scanned))
  call.addHeader('X-Complete', String(page.isComplete))
  if (page.onlyNewest) call.addHeader('X-Only-Newest', 'true')
  const missing = page.isComplete ? [] : await missingAmong(call.sql, serving)
  if (missing.length > 0) call.addHeader('X-Missing-Index', missing.join(', '))
  return request.errors && isContentHidden(call) ? withFoldedErrors(call.sql, page.jobs) : page.jobs
}

/** The one domain of which a list can have jobs. */
const onlyDomain = ({ domain, within }: NarrowedList): string | undefined =>
  domain ?? (within?.queues.length === 0 && within.domains.length === 1 ? within.domains[0] : undefined)

/**
 * Whether `jobs` was divided by lists of domains at the last list of a domain. Where it was not, a list does not wait to hear whether its domain has a
 * partition: the round trip would take 7 % of its time. The first list after a division reads all partitions.
 */
const wasDivided = new WeakMap<Pool, boolean>()

const isDivided = staticFragment((sql) => sql`pg_get_partkeydef('jobs'::regclass) is not distinct from 'LIST (domain)'`)

/**
 * An SQL expression: true where `jobs` is divided by lists of domains, and a partition has this one alone. In a partition of several domains a
 * list would read on without a bound until it finds one.
 */
const hasOwnPartition = (sql: Sql, domain: string): Fragment => sql`
  ${isDivided(sql)} and exists (
    select from pg_inherits
    join pg_class as part on part.oid = pg_inherits.inhrelid
    where inhparent = 'jobs'::regclass
      and pg_get_expr(part.relpartbound, part.oid) = format('FOR VALUES IN (%L)', ${domain}::text)
  )`

/**
 * Whether a list may answer the first jobs of a sample where it takes too long to read all jobs of an engine. Not a page after another one, whose
 * jobs would be missing, nor jobs that are named.
 */
const canBeSampled = ({ cursor, ids, batch_group, idempotency_key: key }: ListRequest): boolean =>
  [cursor, ids, batch_group, key].every((value) => value === undefined)

/** A page of a sample: no other page follows it. */
const sampled = ({ jobs }: Page): Page => ({
  ...{ jobs, next: undefined, prev: undefined },
  ...{ scanned: mostScanned, isComplete: false },
})

/** The jobs as a caller may see them that may not see payloads. */
async function withFoldedErrors(sql: Sql, jobs: readonly ListedJob[]): Promise<ListedJob[]> {
  const folded = await foldedErrors(
    sql,
    jobs.map(({ error_message }) => error_message ?? null),
  )
  return jobs.map((job, at) => ({ ...job, error_message: folded[at] ?? null }))
}

function readPage(sql: Sql, request: NarrowedList, cursor: Cursor | undefined): Promise<Page> {
  const { sort_by } = request
  if (!isRank(sort_by)) return listByTime(sql, { ...request, sort_by }, cursor)
  if (servedBy(sql).mode !== 'own') return listNewestByRank(sql, { ...request, sort_by }, cursor)
  return listByRank(sql, { ...request, sort_by }, cursor)
}

/**
 * An SQL expression that sets how the statements of a page are planned. To plan a statement over the jobs of an engine takes longer than to run it.
 * So a list of all jobs of some queues has one plan: its order is that of an index, whatever the parameters are.
 */
function planningOf(sql: Sql, request: NarrowedList): Fragment {
  const { sort_by, ids, batch_group, idempotency_key } = request
  if (servedBy(sql).mode === 'own' && !isRank(sort_by))
    return ids || batch_group || idempotency_key ? sql`null` : preferIndexOrder(sql)
  return !isRank(sort_by) && takesAll(request) ? sql`null` : planForParameters(sql)
}

/** The indexes that serve a list. Those of a list by rank serve workers, too. */
function servingIndexes({ sort_by, status = ['completed'] }: Pick<ListRequest, 'sort_by' | 'status'>): string[] {
  if (isRank(sort_by)) return []
  const [ofAll, ofLive, ofFailures] =
    sort_by === 'created_at'
      ? (['jobsctl_created', 'jobsctl_unended', 'jobsctl_failures_created'] as const)
      : (['jobsctl_ended_list', 'jobsctl_unended_ended', 'jobsctl_failures_ended'] as const)
  return status.map((state) => {
    if (state === 'queued' || state === 'processing') return ofLive
    return state === 'completed' ? ofAll : ofFailures
  })
}

const isRank = (key: TimeKey | RankKey): key is RankKey => key === 'priority' || key === 'status'

/** The place of a cursor as the statements of a page cast it. */
function valuesOf(sql: Sql, { key, id }: Position, sortBy: TimeKey | RankKey): Fragment {
  const type = sortBy === 'priority' ? 'int' : isRank(sortBy) ? 'text' : 'timestamptz'
  return sql`${key}::text::${sql.unsafe(type)}, ${id}::text::job_id`
}

/** A link to another page: the same request with its cursor. */
function linkTo(cursor: Cursor, request: NarrowedList, key: CursorKey | undefined): string {
  const { payload = [], cursor: _cursor, within: _within, ...fields } = request
  const values = Object.fromEntries(payload.map(({ path, value }) => [`payload.${path.join('.')}`, value]))
  const ids = fields.ids?.map(listedJobId).join(',')
  return pageLink({ ...fields, ids, ...values, cursor: sealCursor(cursor, request, key) }, cursor.to)
}
