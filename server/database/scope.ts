import type { Scope } from '../../shared/scope.ts'
import type { Sql } from './sql.ts'

/** An SQL fragment `and domain = … and queue = … and job_type = …` with one condition for each field that is set. */
export const inScope = (sql: Sql, { domain, queue, job_type }: Scope) => sql`
  ${domain ? sql`and domain = ${domain}` : sql``}
  ${queue ? sql`and queue = ${queue}` : sql``}
  ${job_type ? sql`and job_type = ${job_type}` : sql``}`
