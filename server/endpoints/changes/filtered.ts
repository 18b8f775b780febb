import { createHash } from 'node:crypto'
import type { JobSelection } from '../../../shared/changes/filtered-change.ts'
import type { JobFilter } from '../../../shared/jobs/job-filter.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { isUnchangedSince } from '../../bulk/token/snapshot.ts'
import { requireKnownRules } from '../../database/error-pattern.ts'
import { inFilter } from '../../database/job-filter.ts'
import { hasId } from '../../database/job-ids.ts'
import { wholeJob } from '../../database/planner-hints.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'

/** The fields of a request that do not decide which jobs are changed and how. */
interface Bounds {
  dry_run: boolean
  max?: number | undefined
  preview_token?: string | undefined
  rate?: number | undefined
  until?: string | undefined
  limit?: number | undefined
}

type Parts = Pick<BulkChange<unknown>, 'scope' | 'filters' | 'request' | 'max' | 'previewToken' | 'limit' | 'brake'>

/** The largest list of ids that a record has in full. */
const mostRecordedIds = 1000

/**
 * The parts of a bulk change that follow from its request alone, for a change that takes a filter.
 * @throws Failure `conflict` for a cluster of other rules than those of this server
 */
export function partsOf(request: Within<JobSelection & Bounds>): Parts {
  requireKnownRules(request.cluster)
  const { dry_run, within, max, preview_token, limit, rate, until, ...filters } = request
  return { ...partsWith(request, filters, { limit }), limit }
}

/**
 * The same for a change that says what its `filters` are, in an order that stays: preview tokens and idempotency keys have hashes of
 * them, which servers of other versions compare.
 * @param more what the record has of the request beside the filters and the bounds
 */
export function partsWith(
  request: Within<Scope & Omit<Bounds, 'dry_run' | 'limit'>>,
  filters: object & Pick<IdFields, 'ids'>,
  more: object = {},
): Parts {
  const { max, preview_token, rate, until } = request
  return {
    scope: request,
    filters,
    request: { ...filters, ...(filters.ids && { ids: recorded(filters.ids) }), max, ...more, rate, until },
    brake: { rate, until },
    max,
    previewToken: preview_token,
  }
}

/**
 * The fields of the filter beside the scope. Without any of them all are undefined, so that a hash over them is that of servers that
 * did not know them.
 * @throws Failure `conflict` for a cluster of other rules than those of this server
 */
export function filtersBesideScope(request: FilterBesideScope): FilterBesideScope {
  const { owner_user_id, batch_group, worker_id, error_code, error, min_retries, stale, payload, ids } = request
  const { created_after, created_before, ended_after, ended_before, cluster } = request
  requireKnownRules(cluster)
  const texts = { owner_user_id, batch_group, worker_id, error_code, error, min_retries, stale, payload, cluster }
  return { ...texts, created_after, created_before, ended_after, ended_before, ids }
}

type FilterBesideScope = Omit<JobFilter, 'domain' | 'queue' | 'job_type' | 'status'>

/** A long list of ids as the record has it: their number, a hash over all, and the first ones. */
const recorded = (ids: readonly JobId[]): unknown =>
  ids.length <= mostRecordedIds
    ? ids
    : { count: ids.length, sha256: createHash('sha256').update(ids.join()).digest('hex'), first: ids.slice(0, 10) }

/** The jobs that a request names. */
export interface IdFields {
  ids?: JobId[] | undefined
  job_id?: JobId | undefined
}

/** An SQL condition on `jobs`: true for jobs of the set that the request selects. */
export const isSelected = (sql: Sql, set: JobSet, { job_id, ids, ...filter }: Within<JobSelection>): Fragment => sql`
  ${isUnchangedSince(sql, set.snapshot)}
  ${inFilter(sql, { ...filter, ids: idsOf({ job_id, ids }) }, set.asOf)}`

/** The ids that a request names; undefined where it names none. */
export const idsOf = ({ job_id, ids }: IdFields): JobId[] | undefined => (job_id === undefined ? ids : [job_id])

/**
 * `from jobs where …` for a request that may name jobs by their ids. Those jobs are read first: the planner could otherwise
 * read all jobs of a state and compare each with the whole filter.
 * @param where the condition of the change for a request
 */
export function jobsWhere<Request extends IdFields>(
  sql: Sql,
  request: Request,
  where: (request: Request) => Fragment,
): Fragment {
  const ids = idsOf(request)
  if (ids === undefined) return sql`from jobs where ${where(request)}`
  return sql`
    from (select ${wholeJob(sql)} from jobs where ${hasId(sql, ids)} offset 0) as jobs
    where ${where({ ...request, ids: undefined, job_id: undefined })}`
}

/**
 * The request as the batches need it: a selection of fixed ids comes from a search that has compared the list of ids, which
 * may be long.
 */
export const withoutIds = <Request extends IdFields>(request: Request, selection: Selection): Request =>
  selection.hasFixedIds ? { ...request, ids: undefined } : request
