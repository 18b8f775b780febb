import { createHash } from 'node:crypto'
import type { JobSelection } from '../../../shared/changes/filtered-change.ts'
import type { JobFilter } from '../../../shared/jobs/job-filter.ts'
import type { BulkChange, JobSet } from '../../bulk/bulk-change.ts'
import { isUnchangedSince } from '../../bulk/preview/snapshot.ts'
import type { Selection } from '../../bulk/selection.ts'
import { inFilter } from '../../database/job-filter.ts'
import type { Fragment, Sql } from '../../database/sql.ts'

/** The fields of a request that do not decide which jobs are changed and how. */
interface Bounds {
  dry_run: boolean
  max?: number | undefined
  preview_token?: string | undefined
  limit?: number | undefined
}

/** The largest list of ids that a record has in full. */
const mostRecordedIds = 1000

/** The parts of a bulk change that follow from its request alone, for a change that takes a filter. */
export function partsOf<Request extends JobSelection & Bounds>(
  request: Request,
): Pick<BulkChange<unknown>, 'scope' | 'filters' | 'request' | 'max' | 'previewToken' | 'limit'> {
  const { dry_run: _, max, preview_token, limit, ...filters } = request
  return {
    scope: request,
    filters,
    request: { ...filters, ...(filters.ids && { ids: recorded(filters.ids) }), max, limit },
    max,
    previewToken: preview_token,
    limit,
  }
}

/**
 * The fields of the filter beside the scope, as a token is bound to them and as the record has them. Without any of them both
 * are empty, as in servers that did not know them.
 */
export function narrowerParts(request: NarrowerFilter): { filters: NarrowerFilter; request: object } {
  const { owner_user_id, batch_group, worker_id, error_code, error, min_retries, stale, payload, ids } = request
  const { created_after, created_before, ended_after, ended_before } = request
  const texts = { owner_user_id, batch_group, worker_id, error_code, error, min_retries, stale, payload }
  const filters = { ...texts, created_after, created_before, ended_after, ended_before, ids }
  return { filters, request: { ...filters, ...(ids && { ids: recorded(ids) }) } }
}

type NarrowerFilter = Omit<JobFilter, 'domain' | 'queue' | 'job_type' | 'status'>

/** A long list of ids as the record has it: their number, a hash over all, and the first ones. */
const recorded = (ids: readonly number[]): unknown =>
  ids.length <= mostRecordedIds
    ? ids
    : { count: ids.length, sha256: createHash('sha256').update(ids.join()).digest('hex'), first: ids.slice(0, 10) }

/** An SQL condition on `jobs`: true for jobs of the set that the request selects. */
export const isSelected = (sql: Sql, set: JobSet, { job_id, ids, ...filter }: JobSelection): Fragment => sql`
  ${isUnchangedSince(sql, set.snapshot)}
  ${inFilter(sql, { ...filter, ids: job_id === undefined ? ids : [job_id] }, set.asOf)}`

/**
 * The request as the batches need it: a selection of fixed ids comes from a search that has compared the list of ids, which
 * may be long.
 */
export const withoutIds = <Request extends { ids?: number[] | undefined }>(
  request: Request,
  selection: Selection,
): Request => (selection.hasFixedIds ? { ...request, ids: undefined } : request)
