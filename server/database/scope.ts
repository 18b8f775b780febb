import type { Scope } from '../../shared/scope.ts'
import type { Sql } from './sql.ts'

/** `and domain = … and queue = …` for the fields that are set; nothing for those that are not. */
export const inScope = (sql: Sql, { domain, queue, job_type }: Scope) => sql`
  ${domain ? sql`and domain = ${domain}` : sql``}
  ${queue ? sql`and queue = ${queue}` : sql``}
  ${job_type ? sql`and job_type = ${job_type}` : sql``}`
