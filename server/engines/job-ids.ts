import { type JobId, keyParts } from '../../shared/work/job-key.ts'
import { hasKeys, idArray } from '../database/job-ids.ts'
import type { Fragment, Sql } from '../database/sql.ts'

const uuidShape = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i

/**
 * An SQL condition on `jobs`: the job has one of the ids. For the jobs of another engine it also names the parts of the keys, of which the
 * engine has an index; the key alone is an expression.
 */
export function isAmong(sql: Sql, ids: readonly JobId[]): Fragment {
  const named = sql`jobs.id = any(${idArray(sql, ids)})`
  if (!hasKeys(sql)) return named
  const parts = ids.flatMap((id) => keyParts(String(id)) ?? []).filter(({ id }) => uuidShape.test(id))
  const queues = [...new Set(parts.flatMap(({ queue }) => queue ?? []))]
  return sql`(
    jobs.queue = any(${queues}::text[]) and jobs.native_id = any(${parts.map(({ id }) => id)}::text[]::uuid[]) and ${named}
  )`
}
