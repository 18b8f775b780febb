import type { Sql } from '../../database/sql.ts'

/** What a token may change. */
export interface TokenLimits {
  name: string
  max_per_change: number | null
  max_per_day: number | null
}

/** The limits of a caller; undefined for one that has none, such as the key of single-user mode. */
export async function readLimits(sql: Sql, caller: string): Promise<TokenLimits | undefined> {
  const [limits] = await sql<TokenLimits[]>`
    select name, max_per_change, max_per_day
    from jobsctl_tokens
    join jobs_api_tokens using (id)
    where id = ${caller} and (max_per_change is not null or max_per_day is not null)`
  return limits
}
