import type { TokenScope } from '../../shared/access/token-scope.ts'
import type { Limits } from './shared-jobs.ts'
import type { Fragment, Sql } from './sql.ts'

/** A filter together with what its caller is limited to. */
export type Narrowed = Limits

/** A request together with what its caller is limited to, which no statement may forget. */
export type Within<Request> = Request & { within: TokenScope | undefined }

/**
 * An SQL fragment `and domain = … and queue = … and job_type = …` with one condition for each field that is set, and the scope of
 * the caller.
 */
export const inScope = (sql: Sql, { domain, queue, job_type, within }: Narrowed) => sql`
  ${domain ? sql`and domain = ${domain}` : sql``}
  ${queue ? sql`and queue = ${queue}` : sql``}
  ${job_type ? sql`and job_type = ${job_type}` : sql``}
  ${isWithin(sql, within)}`

/**
 * An SQL fragment `and …` on the columns `domain`, `queue` and `job_type`: true within the scope of a caller, and never for a row
 * without these names. It is empty for a caller that is not limited, whose statements so stay as they are.
 * @param table the name of the row that has the columns
 */
export const isWithin = (sql: Sql, scope: TokenScope | undefined, table?: Fragment): Fragment => sql`
  ${isQueueWithin(sql, scope, table)}
  ${scope && scope.job_types.length > 0 ? sql`and ${column(sql, 'job_type', table)} = any(${scope.job_types}::text[])` : sql``}`

/** True for a row with the columns `domain`, `queue` and `job_type` that lies outside of a scope. */
export const isElsewhere = (sql: Sql, scope: TokenScope): Fragment => sql`(true ${isWithin(sql, scope)}) is not true`

/** `isWithin` for a row that has only `domain` and `queue`: a queue with jobs of these types is within, whatever else it has. */
export function isQueueWithin(sql: Sql, scope: TokenScope | undefined, table?: Fragment): Fragment {
  if (scope === undefined || scope.domains.length + scope.queues.length === 0) return sql``
  const { domains, queues } = scope
  const domain = column(sql, 'domain', table)
  const inDomain = sql`${domain} = any(${domains}::text[])`
  if (queues.length === 0) return sql`and ${inDomain}`
  return sql`and (${inDomain} or (${domain}, ${column(sql, 'queue', table)}) in (
    select of_domain, of_queue
    from rows from (
      unnest(${queues.map(({ domain }) => domain)}::text[]), unnest(${queues.map(({ queue }) => queue)}::text[])
    ) as allowed (of_domain, of_queue)
  ))`
}

/** `inScope` for a row that has only `domain` and `queue`: a queue with jobs of the job type is within, whatever else it has. */
export const inQueueScope = (sql: Sql, { domain, queue, within }: Narrowed): Fragment =>
  sql`${inScope(sql, { domain, queue, within: undefined })} ${isQueueWithin(sql, within)}`

/** `isWithin` for a row of `jobsctl_worker_marks`: its worker takes jobs within. */
export const isMarkWithin = (sql: Sql, scope: TokenScope | undefined): Fragment => sql`
  ${isQueueWithin(sql, scope)}
  ${scope && scope.job_types.length > 0 ? sql`and (job_types is null or job_types && ${scope.job_types}::text[])` : sql``}`

const column = (sql: Sql, name: 'domain' | 'queue' | 'job_type', table: Fragment | undefined): Fragment =>
  table ? sql`${table}.${sql(name)}` : sql`${sql(name)}`

/** A name that a caller can ask for, by its bytes; another one (null, or more than 128 characters) is the empty text. */
export const askedName = (sql: Sql, name: Fragment): Fragment =>
  sql`case when char_length(${name}) <= 128 then ${name} collate "C" else '' end`
