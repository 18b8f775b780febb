import type { KnownCaller } from '../../../shared/access/callers.ts'
import type { Right } from '../../../shared/access/rights.ts'
import { type Fragment, type Sql, utcText } from '../../database/sql.ts'
import type { Claims } from './grant-of-claims.ts'

interface Identity {
  id: string
  issuer: string
  subject: string
  name: string
  claims: Claims
}

/** Who is known under an id of single sign-on. */
export interface StoredCaller {
  name: string
  claims: Claims
  blocked: boolean
}

/** Undefined for somebody who has never logged in, and was never blocked. */
export async function findKnownCaller(sql: Sql, id: string): Promise<StoredCaller | undefined> {
  const [row] = await sql<StoredCaller[]>`
    select name, claims, blocked_at is not null as blocked from jobsctl_callers where id = ${id}`
  return row
}

/** Keeps who has logged in, and the claims by which it has its role. */
export const keepCaller = (tx: Sql, { id, issuer, subject, name, claims }: Identity) => tx`
  insert into jobsctl_callers (id, issuer, subject, name, claims)
  values (${id}, ${issuer}, ${subject}, ${name}, ${JSON.stringify(claims)}::text::jsonb)
  on conflict (id) do update
  set issuer = excluded.issuer, subject = excluded.subject, name = excluded.name, claims = excluded.claims, seen_at = now()`

/**
 * Blocks a caller, known or not, or ends that, at once and for every server.
 * @returns false where it is so already
 */
export async function setBlocked(tx: Sql, id: string, blocked: boolean): Promise<boolean> {
  if (blocked) {
    const { count } = await tx`
      insert into jobsctl_callers (id, name, blocked_at) values (${id}, ${id}, now())
      on conflict (id) do update set blocked_at = now()
      where jobsctl_callers.blocked_at is null`
    return count > 0
  }
  const { count } = await tx`
    update jobsctl_callers set blocked_at = null where id = ${id} and blocked_at is not null`
  return count > 0
}

/** At most this many callers, the last login first. */
export const listKnownCallers = async (sql: Sql, limit: number): Promise<KnownCaller[]> => [
  ...(await sql<KnownCaller[]>`
    select id, name, issuer, subject, ${utcText(sql, 'seen_at')} as seen_at, ${utcText(sql, 'blocked_at')} as blocked_at
    from jobsctl_callers
    order by jobsctl_callers.seen_at desc, id
    limit ${limit}`),
]

/** For whom callers call: the principals of tokens, and the names of callers of single sign-on. Ids that nobody has are left out. */
export const findCallerNames = async (sql: Sql, ids: readonly string[]): Promise<{ id: string; name: string }[]> => [
  ...(await sql<{ id: string; name: string }[]>`
    select token.id, coalesce(jobsctl_tokens.principal, token.name) as name
    from jobs_api_tokens as token
    left join jobsctl_tokens on jobsctl_tokens.id = token.id
    where token.id = any(${[...ids]}::text[])
    union all
    select id, name from jobsctl_callers where id = any(${[...ids]}::text[])`),
]

/** Whether a caller is told for whom others called: who only reads gets ids of callers alone. */
export const seesPeople = (may: ReadonlySet<Right>): boolean =>
  may.has('change') || may.has('approve') || may.has('read_tokens')

/**
 * An SQL expression: for whom a caller calls, as `findCallerNames`. It is the id itself where nobody has it, and for who only reads.
 * @param id an expression with the name of its row, such as `mark.caller`
 * @param may the rights of who is told
 */
export const callerName = (sql: Sql, id: Fragment, may: ReadonlySet<Right>): Fragment => {
  if (!seesPeople(may)) return id
  return sql`coalesce(
    (
      select coalesce(of_token.principal, token.name)
      from jobs_api_tokens as token
      left join jobsctl_tokens as of_token on of_token.id = token.id
      where token.id = ${id}
    ),
    (select known.name from jobsctl_callers as known where known.id = ${id}),
    ${id}
  )`
}

/** Forgets who has not logged in for so long; who is blocked stays blocked. */
const forgottenAfterDays = 90

export const forgetCallers = (sql: Sql) => sql`
  delete from jobsctl_callers
  where blocked_at is null and seen_at < now() - ${forgottenAfterDays}::int * interval '24 hours'`
