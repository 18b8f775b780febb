import type { Sql } from '../database/sql.ts'
import type { Log } from '../log/log.ts'
import { isLive, withoutRole } from './tokens.ts'

/** A sentence about a name that several live tokens have. */
export const sharedNameWarning = ({ name, tokens }: { name: string; tokens: number }): string =>
  `${tokens} live tokens have the name ${name}; records and events tell them apart by their ids, people cannot`

/** The number of live tokens by name, for names that more than one of them has. */
export const sharedNames = (sql: Sql): Promise<{ name: string; tokens: number }[]> => sql<
  { name: string; tokens: number }[]
>`
  select name, count(*) as tokens
  from jobs_api_tokens
  where ${isLive(sql)}
  group by name
  having count(*) > 1
  order by name`

/** The number of live tokens that may do everything because nobody has given them a role. */
export async function countWithoutRole(sql: Sql): Promise<number> {
  const [{ tokens }] = await sql<[{ tokens: number }]>`
    select count(*) as tokens
    from jobs_api_tokens
    left join jobsctl_tokens using (id)
    where ${isLive(sql)} and suspended_at is null and coalesce(role, ${withoutRole}) = ${withoutRole}`
  return tokens
}

/** A sentence about the live tokens without a role. */
const withoutRoleWarning = (tokens: number): string =>
  `${tokens === 1 ? '1 live token has' : `${tokens} live tokens have`} no role and may do everything (${withoutRole}); ` +
  'jobs-server token list shows them, and jobs-server token set-role <id> <role> gives one'

/** Writes one warning for each name that several live tokens have, and one about tokens without a role. */
export async function warnOfTokens(sql: Sql, log: Pick<Log, 'warn'>): Promise<void> {
  for (const shared of await sharedNames(sql)) log.warn(sharedNameWarning(shared))
  const tokens = await countWithoutRole(sql)
  if (tokens > 0) log.warn(withoutRoleWarning(tokens))
}
