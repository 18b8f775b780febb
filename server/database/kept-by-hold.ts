import {
  clusterDigits,
  clusterId,
  failureCode,
  failureMessage,
  failureState,
  isFailure,
  patternOf,
} from './error-pattern.ts'
import { endedAt, hasError, isStale } from './job-filter.ts'
import type { Fragment, Sql } from './sql.ts'
import { staticFragment } from './static-fragment.ts'

/**
 * An SQL condition on a row of `jobs`: true while a hold keeps the job from being deleted or ended. The statement looks once
 * whether there is any hold, before all others, so that jobs are compared with nothing where there is none.
 */
export const isKeptByHold = staticFragment(
  (sql) => sql`(${thereAreHolds(sql)} and (${isHeldById(sql)} or ${isOfHeldOperation(sql)} or ${matchesHold(sql)}))`,
)

/** The same for a row of the archive, which has the alias `jobs`: a hold over its operation keeps it, too. */
export const isArchivedKeptByHold = staticFragment(
  (sql) => sql`(${thereAreHolds(sql)} and (
    ${operationIsHeld(sql, sql`jobs.operation_id`)} or ${isHeldById(sql)} or ${matchesHold(sql)}
  ))`,
)

/** True for a row of `job_operation_rows` with the alias `images`: a hold is over its operation, or keeps its job. */
export const isImageKeptByHold = staticFragment(
  (sql) => sql`(${thereAreHolds(sql)} and (
    ${operationIsHeld(sql, sql`images.operation_id`)}
    or exists (select from jobs where jobs.id = images.job_id and (${isHeldById(sql)} or ${matchesHold(sql)}))
  ))`,
)

/** True where any hold has not ended. Without columns of a job, PostgreSQL asks once for each statement. */
export const thereAreHolds = staticFragment(
  (sql) => sql`(select exists (select from jobsctl_holds as hold where hold.until > now()))`,
)

const isHeldById = staticFragment(
  (sql) => sql`exists (
    select from jobsctl_held_jobs as held
    join jobsctl_holds as hold on hold.id = held.hold_id
    where held.job_id = jobs.id and hold.until > now()
  )`,
)

/** True for a job whose row image is of an operation with a hold. */
const isOfHeldOperation = staticFragment(
  (sql) => sql`exists (
    select from jobsctl_holds as hold
    join job_operation_rows as image on image.operation_id = hold.operation_id
    where hold.operation_id is not null and hold.until > now() and image.job_id = jobs.id
  )`,
)

/** True for an operation that has a hold of its own. */
export const operationIsHeld = (sql: Sql, operation: Fragment): Fragment => sql`exists (
  select from jobsctl_holds as hold
  where hold.operation_id is not null and hold.operation_id = ${operation} and hold.until > now()
)`

type Condition = (sql: Sql, value: Fragment) => Fragment

/** The columns that a field of the same name is equal to, as text. */
const equalColumns = ['domain', 'queue', 'job_type', 'owner_user_id', 'batch_group', 'worker_id', 'error_code']

/** For each field with one value, the condition of `inFilter` on the text of the value. */
const conditions: ReadonlyMap<string, Condition> = new Map<string, Condition>([
  ...equalColumns.map((name): [string, Condition] => [
    name,
    (sql, value) => sql`${sql.unsafe(`jobs.${name}::text`)} = ${value}`,
  ]),
  ['created_after', (sql, time) => sql`jobs.created_at >= ${time}::timestamptz`],
  ['created_before', (sql, time) => sql`jobs.created_at < ${time}::timestamptz`],
  ['ended_after', (sql, time) => sql`${endedAt(sql)} >= ${time}::timestamptz`],
  ['ended_before', (sql, time) => sql`${endedAt(sql)} < ${time}::timestamptz`],
  ['min_retries', (sql, least) => sql`jobs.retry_count >= ${least}::int`],
  ['stale', (sql, stale) => sql`((${isStale(sql, undefined)}) is true) = ${stale}::boolean`],
  ['error', hasError],
])

/**
 * True for a job that the filter of a hold matches, by the conditions of `inFilter`. A field that this server does not know narrows
 * nothing: a hold of a later version is over more jobs here, and never over fewer.
 */
const matchesHold = staticFragment((sql) => {
  const one = ([name, condition]: [string, Condition]): Fragment => {
    const value = sql.unsafe(`(hold.filter ->> '${name}')`)
    return sql`and coalesce(${condition(sql, value)}, ${value} is null)`
  }
  return sql`exists (
    select from jobsctl_holds as hold
    where hold.filter is not null and hold.until > now()
      ${[...conditions].map(one).reduce((all, next) => sql`${all} ${next}`)}
      and coalesce(hold.filter -> 'status' ? jobs.status::text, true)
      and ${hasPayload(sql)}
      and ${isInHeldCluster(sql)}
  )`
})

const hasPayload = staticFragment(
  (sql) => sql`not exists (
    select from jsonb_array_elements(hold.filter -> 'payload') as part
    where (jobs.payload #>> array(select jsonb_array_elements_text(part -> 'path'))) is distinct from part ->> 'value'
  )`,
)

/** A cluster of rules that this server does not have may be any, so that the hold is over all failures. */
const isInHeldCluster = staticFragment(
  (sql) => sql`case
    when hold.filter -> 'cluster' is null then true
    when (${isFailure(sql)}) is not true then false
    when not starts_with(hold.filter ->> 'cluster', ${sql.unsafe(`'${clusterId('')}'`)}) then true
    else ${digitsOf(sql)} = right(hold.filter ->> 'cluster', 12)
  end`,
)

const digitsOf = (sql: Sql): Fragment => {
  const state = failureState(sql)
  return clusterDigits(sql, { state, code: failureCode(sql), pattern: patternOf(sql, failureMessage(sql)) })
}
