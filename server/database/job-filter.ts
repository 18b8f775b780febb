import type { ListFilter } from '../../shared/jobs/job-filter.ts'
import type { JobState } from '../../shared/work/job.ts'
import { namesOf } from './connection/schema-names.ts'
import { isInCluster } from './error-pattern.ts'
import { hasId, hasKeys } from './job-ids.ts'
import { inScope, type Narrowed } from './scope.ts'
import { type Fragment, type Sql, staticFragment } from './sql.ts'

/** An SQL expression: when a job ended, null for a job that has never ended. */
export const endedAt = staticFragment(
  (sql) => namesOf(sql)?.jobs?.endedAt(sql) ?? sql`coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at)`,
)

/** An SQL condition on `jobs`, true for a job in one of these states. */
export const hasState = (sql: Sql, states: readonly string[]): Fragment =>
  namesOf(sql)?.jobs?.hasState(sql, states) ??
  sql.unsafe(`jobs.status in (${states.map((state) => `'${state}'`).join(', ')})`)

/** An SQL condition on `jobs`, true for a job in this state. */
export const isInState = (sql: Sql, state: JobState): Fragment =>
  namesOf(sql)?.jobs?.hasState(sql, [state]) ?? sql.unsafe(`status = '${state}'`)

/**
 * An SQL condition on `jobs`, true for a running job whose lease has expired at `asOf`. A running job of our own without a lease has lost it; that of
 * another engine is in a table that does not say when leases end.
 */
const isStale = (sql: Sql, asOf: string | undefined): Fragment => {
  const isOver = sql`jobs.leased_until <= coalesce(${asOf ?? null}::text::timestamptz, now())`
  const hasEnded = hasKeys(sql) ? sql`coalesce(${isOver}, false)` : sql`(jobs.leased_until is null or ${isOver})`
  return sql`jobs.status = 'processing' and ${hasEnded}`
}

/**
 * An SQL fragment of conditions on `jobs`, each of which begins with `and`: one for each field of the filter that is set, and the
 * scope of the caller.
 * @throws Failure `conflict` for a cluster of other rules than those of this server
 * @param asOf the time at which leases are compared, in ISO 8601; now when absent
 */
export const inFilter = (sql: Sql, filter: ListFilter & Narrowed, asOf?: string): Fragment => {
  const given = <Value>(value: Value | undefined, condition: (value: Value) => Fragment): Fragment =>
    value === undefined ? sql`` : sql`and ${condition(value)}`
  return sql`
    ${inScope(sql, filter)}
    ${given(filter.status, (states) => hasState(sql, states))}
    ${given(filter.owner_user_id, (owner) => sql`jobs.owner_user_id = ${owner}::text`)}
    ${given(filter.batch_group, (group) => sql`jobs.batch_group = ${group}::text`)}
    ${given(filter.worker_id, (worker) => sql`jobs.worker_id = ${worker}::text`)}
    ${given(filter.error_code, (code) => sql`jobs.error_code = ${code}::text`)}
    ${given(filter.error, (part) => hasError(sql, sql`${part}::text`))}
    ${given(filter.created_after, (time) => sql`jobs.created_at >= ${time}::text::timestamptz`)}
    ${given(filter.created_before, (time) => sql`jobs.created_at < ${time}::text::timestamptz`)}
    ${given(filter.ended_after, (time) => sql`${endedAt(sql)} >= ${time}::text::timestamptz`)}
    ${given(filter.ended_before, (time) => sql`${endedAt(sql)} < ${time}::text::timestamptz`)}
    ${given(filter.min_retries, (least) => sql`jobs.retry_count >= ${least}::int`)}
    ${given(filter.stale, (stale) => (stale ? sql`(${isStale(sql, asOf)})` : sql`(${isStale(sql, asOf)}) is not true`))}
    ${given(filter.cluster, (cluster) => isInCluster(sql, cluster))}
    ${given(filter.ids, (ids) => hasId(sql, ids))}
    ${(filter.payload ?? []).reduce((all, { path, value }) => sql`${all} and ${payloadAt(sql, path)} = ${value}::text`, sql``)}`
}

/** True for a job whose error message, or the error of its last attempt, contains the text `part` in any case. */
const hasError = (sql: Sql, part: Fragment): Fragment => sql`(
  strpos(lower(jobs.error_message), lower(${part})) > 0 or strpos(lower(jobs.last_error), lower(${part})) > 0
)`

/** Escapes that the type json keeps, and of which PostgreSQL makes no text: NUL, and what may be half of a pair of surrogates. */
const doubtfulEscape = String.raw`\\u0000|\\u[dD][89a-fA-F]`
/** The same in a text without escaped backslashes, and of surrogates halves alone. */
const unreadableEscape = [
  String.raw`\\u0000`,
  String.raw`\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])`,
  String.raw`(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}`,
].join('|')
/** What stands for them: the control character SUBSTITUTE, which every encoding has. */
const substitute = String.raw`\\u001a`
const escapedBackslash = String.raw`\\`

/**
 * An SQL expression of type text: what stands at a path of the payload. A payload may be of the type json, whose values with such escapes anywhere end
 * the statement that reads a part of them.
 */
const payloadAt = (sql: Sql, path: readonly string[]): Fragment => sql`
  case
    when pg_typeof(jobs.payload) = 'json'::regtype and jobs.payload::text ~ ${doubtfulEscape}::text
    -- JSON has no chr(1), which stands for an escaped backslash meanwhile.
    then replace(
      regexp_replace(replace(jobs.payload::text, ${escapedBackslash}::text, chr(1)), ${unreadableEscape}::text, ${substitute}::text, 'g'),
      chr(1), ${escapedBackslash}::text
    )::json #>> ${[...path]}::text[]
    else jobs.payload #>> ${[...path]}::text[]
  end`
