import type { Fragment, Sql } from '../database/sql.ts'

/** True for the row of `jobs` that has the idempotency key of `item`, in its domain, queue and type. */
export const hasKeyOf = (sql: Sql, item: Fragment): Fragment => sql`
  jobs.domain = ${item}.domain and jobs.queue = ${item}.queue and jobs.job_type = ${item}.job_type
  and jobs.idempotency_key = ${item}.idempotency_key`
