import type { TokenScope } from '../../shared/access/token-scope.ts'
import { isQueueWithin } from './scope.ts'
import type { Fragment, Sql } from './sql.ts'

/**
 * An SQL fragment `and …` on rows of `job_operations`: true where all jobs that the change could reach lie within the scope of a caller.
 * The record names them by its domain, queue and job type, and by the scope under which it ran. An undo without a scope may have given
 * back dependents elsewhere, which it counts. It is empty for a caller that is not limited.
 */
export const isRecordWithin = (sql: Sql, scope: TokenScope | undefined): Fragment =>
  scope
    ? sql`
      and ${isPlaceWithin(sql, scope)} and ${isTypeWithin(sql, scope)}
      and (kind <> 'undo' or jsonb_typeof(filters -> 'within') = 'object')`
    : sql``

/**
 * An SQL expression: the counts of a record, or its answer, as a caller sees them. A change under another scope, or under none, counts
 * dependents that may lie outside of the scope of this caller.
 */
export const countsWithin = (sql: Sql, counts: Fragment, scope: TokenScope | undefined): Fragment =>
  scope
    ? sql`case
        when filters -> 'within' = ${JSON.stringify(scope)}::text::jsonb then ${counts}
        when jsonb_typeof(${counts}) = 'object' then ${counts} - '{dependents,dependents_elsewhere}'::text[]
      end`
    : counts

function isPlaceWithin(sql: Sql, scope: TokenScope): Fragment {
  if (scope.domains.length + scope.queues.length === 0) return sql`true`
  const ranUnder = listOf(sql)
  const place = sql`jsonb_build_object('domain', given ->> 'domain', 'queue', given ->> 'queue')`
  return sql`(
    (true ${isQueueWithin(sql, scope)}) is true
    or (
      jsonb_array_length(${ranUnder('domains')}) + jsonb_array_length(${ranUnder('queues')}) > 0
      and ${ranUnder('domains')} <@ ${JSON.stringify(scope.domains)}::text::jsonb
      and not exists (
        select from jsonb_array_elements(${ranUnder('queues')}) as given
        where (
          ${JSON.stringify(scope.domains)}::text::jsonb ? (given ->> 'domain')
          or ${JSON.stringify(scope.queues)}::text::jsonb @> jsonb_build_array(${place})
        ) is not true
      )
    )
  )`
}

function isTypeWithin(sql: Sql, scope: TokenScope): Fragment {
  if (scope.job_types.length === 0) return sql`true`
  const types = listOf(sql)('job_types')
  return sql`(
    (job_type = any(${scope.job_types}::text[])) is true
    or (jsonb_array_length(${types}) > 0 and ${types} <@ ${JSON.stringify(scope.job_types)}::text::jsonb)
  )`
}

/** A list of the scope under which a change ran; an empty one where its caller was not limited, or another program wrote the record. */
const listOf =
  (sql: Sql) =>
  (name: 'domains' | 'queues' | 'job_types'): Fragment => {
    const list = sql`filters #> ${`{within,${name}}`}::text[]`
    return sql`case jsonb_typeof(${list}) when 'array' then ${list} else '[]' end`
  }
