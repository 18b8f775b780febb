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
 * An SQL condition on a row of `jobs`: true while a hold keeps the job from being deleted or ended. A statement asks once whether there
 * are holds, and of which kinds, so that jobs are compared with nothing where there are none.
 */
export const isKeptByHold = staticFragment(
  (sql) => sql`(${thereAreHolds(sql)} and (
    ${isHeldById(sql)}
    or ${matchesHold(sql)}
    or (${thereIsHold(sql, sql`hold.operation_id is not null`)} and exists (
      select from jobsctl_holds as hold
      join job_operation_rows as image on image.operation_id = hold.operation_id
      where hold.operation_id is not null and hold.until > now() and image.job_id = jobs.id
      offset 0
    ))
  ))`,
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

/** True for an operation that has a hold of its own. */
export const operationIsHeld = (sql: Sql, operation: Fragment): Fragment => sql`exists (
  select from jobsctl_holds as hold
  where hold.operation_id is not null and hold.operation_id = ${operation} and hold.until > now()
)`

/** True where a hold has not ended. Without columns of a job, PostgreSQL asks once for each statement. */
const thereIsHold = (sql: Sql, which: Fragment): Fragment =>
  sql`(select exists (select from jobsctl_holds as hold where hold.until > now() and ${which}))`

const thereAreHolds = staticFragment((sql) => thereIsHold(sql, sql`true`))

/** OFFSET keeps the planner from a hash over all held jobs, which each batch would make again. */
const isHeldById = staticFragment(
  (sql) => sql`(${thereIsHold(sql, sql`hold.jobs is not null`)} and exists (
    select from jobsctl_held_jobs as held
    join jobsctl_holds as hold on hold.id = held.hold_id
    where held.job_id = jobs.id and hold.until > now()
    offset 0
  ))`,
)

/** The fields of a filter with their types, and the condition of `inFilter` on each. */
const conditions: Readonly<Record<string, readonly [type: string, condition: (sql: Sql) => Fragment]>> = {
  owner_user_id: ['text', (sql) => sql`jobs.owner_user_id::text = hold.owner_user_id`],
  batch_group: ['text', (sql) => sql`jobs.batch_group::text = hold.batch_group`],
  domain: ['text', (sql) => sql`jobs.domain::text = hold.domain`],
  queue: ['text', (sql) => sql`jobs.queue::text = hold.queue`],
  job_type: ['text', (sql) => sql`jobs.job_type::text = hold.job_type`],
  status: ['jsonb', (sql) => sql`hold.status ? jobs.status::text`],
  worker_id: ['text', (sql) => sql`jobs.worker_id::text = hold.worker_id`],
  error_code: ['text', (sql) => sql`jobs.error_code::text = hold.error_code`],
  created_after: ['timestamptz', (sql) => sql`jobs.created_at >= hold.created_after`],
  created_before: ['timestamptz', (sql) => sql`jobs.created_at < hold.created_before`],
  ended_after: ['timestamptz', (sql) => sql`${endedAt(sql)} >= hold.ended_after`],
  ended_before: ['timestamptz', (sql) => sql`${endedAt(sql)} < hold.ended_before`],
  min_retries: ['integer', (sql) => sql`jobs.retry_count >= hold.min_retries`],
  stale: ['boolean', (sql) => sql`((${isStale(sql, undefined)}) is true) = hold.stale`],
  error: ['text', (sql) => hasError(sql, sql`hold.error`)],
  payload: ['jsonb', (sql) => hasPayload(sql)],
  cluster: ['text', (sql) => isInHeldCluster(sql)],
}

/** True for a job that the filter of a hold matches. The filters are read once for each statement, and not for each job. */
const matchesHold = staticFragment((sql) =>
  matchesOneOf(
    sql,
    sql`(
      select jsonb_agg(hold.filter) from jobsctl_holds as hold where hold.filter is not null and hold.until > now()
    )`,
  ),
)

/**
 * True for a job that one of the filters of holds matches. A field that this server does not know narrows nothing: a hold of a later
 * version is over more jobs here, and never over fewer.
 * @param filters an array of them, as jsonb
 */
function matchesOneOf(sql: Sql, filters: Fragment): Fragment {
  const fields = Object.entries(conditions)
  const columns = sql.unsafe(fields.map(([name, [type]]) => `${name} ${type}`).join(', '))
  const matches = fields.map(([name, [, condition]]) => {
    const field = sql.unsafe(`hold.${name}`)
    return sql`and (${field} is null or ${condition(sql)})`
  })
  return sql`exists (
    select
    from jsonb_to_recordset(${filters}) as hold (${columns})
    where true ${matches.reduce((all, next) => sql`${all} ${next}`)}
  )`
}

/** True for a row of `jobs` that the row `one` of `jobsctl_holds` keeps; `operation` is true where its operation has the job. */
export const isKeptByOne = (sql: Sql, operation: Fragment): Fragment => sql`(
  (one.jobs is not null and exists (
    select from jobsctl_held_jobs as held where held.hold_id = one.id and held.job_id = jobs.id
  ))
  or (one.operation_id is not null and ${operation})
  or (one.filter is not null and ${matchesOneOf(sql, sql`jsonb_build_array(one.filter)`)})
)`

const hasPayload = staticFragment(
  (sql) => sql`not exists (
    select from jsonb_array_elements(hold.payload) as part
    where (jobs.payload #>> array(select jsonb_array_elements_text(part -> 'path'))) is distinct from part ->> 'value'
  )`,
)

/** A cluster of rules that this server does not have may be any, so that the hold is over all failures. */
const isInHeldCluster = staticFragment((sql) => {
  const state = failureState(sql)
  const digits = clusterDigits(sql, { state, code: failureCode(sql), pattern: patternOf(sql, failureMessage(sql)) })
  return sql`case
    when (${isFailure(sql)}) is not true then false
    when not starts_with(hold.cluster, ${sql.unsafe(`'${clusterId('')}'`)}) then true
    else ${digits} = right(hold.cluster, 12)
  end`
})
