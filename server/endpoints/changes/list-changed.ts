import type { JobId } from '../../../shared/work/job-key.ts'
import type { CompletedChange } from '../../bulk/change/bulk-change.ts'
import { readKeys } from '../../bulk/token/preview-keys.ts'
import { isStillSigned, signToken } from '../../bulk/token/preview-token.ts'

interface Subject {
  kind: string
  filters: object
}

/** The answer of a change that brings dependents back; with a `limit`, also the jobs that it has changed. */
export const withDependents = async (done: CompletedChange, limit: number | undefined, subject: Subject) => ({
  affected: done.counts.affected ?? 0,
  dependents: done.counts.dependents ?? 0,
  ...(limit !== undefined && (await listChanged(done, subject))),
})

/**
 * The ids of the jobs that a change with a `limit` has changed, without the dependents that came back with them, and a token
 * for the other jobs of its preview, where there are any. A preview whose key was rotated away meanwhile has none: somebody who knew that
 * key may have made it.
 */
async function listChanged(
  { sql, operation, caller, within, binding, previewed, counts: { affected = 0 } }: CompletedChange,
  { kind, filters }: Subject,
): Promise<{ job_ids: JobId[]; rest_token?: string }> {
  const rows = await sql<{ job_id: JobId }[]>`
    select job_ref as job_id
    from job_operation_rows
    where operation_id = ${operation}::bigint and (before ->> 'status' = 'cancelled') is not true
    order by job_ref`
  const job_ids = rows.map(({ job_id }) => job_id)
  if (!previewed || (previewed.count !== null && previewed.count <= affected)) return { job_ids }
  const keys = await readKeys(sql)
  if (!isStillSigned(previewed, keys)) return { job_ids }
  const { as_of, snapshot, count, origin } = previewed
  const left = count === null ? { count: 0, complete: false as const } : { count: count - affected }
  const rest = { as_of, snapshot, origin, ...left }
  const subject = { kind, filters, caller: binding?.key ?? caller, within }
  return { job_ids, rest_token: signToken(keys[0] ?? null, subject, rest) }
}
