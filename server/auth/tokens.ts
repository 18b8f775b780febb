import { randomBytes } from 'node:crypto'
import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'
import type { Log } from '../log.ts'
import { hashed } from './equal.ts'

const shape = /^jobs_([0-9a-f]{12})_([\w-]{43})$/

/** The id and the secret of a token; undefined for a text that is no token. */
export function tokenParts(token: string): { id: string; secret: string } | undefined {
  const [, id, secret] = shape.exec(token) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** A sentence about a name that several live tokens have. */
export const sharedNameWarning = ({ name, tokens }: { name: string; tokens: number }): string =>
  `${tokens} live tokens have the name ${name}; records and events tell them apart by their ids, people cannot`

/** The number of live tokens by name, for names that more than one of them has. */
export const sharedNames = (sql: Sql): Promise<{ name: string; tokens: number }[]> => sql<
  { name: string; tokens: number }[]
>`
  select name, count(*) as tokens
  from jobs_api_tokens
  where revoked_at is null and (expires_at is null or expires_at > now())
  group by name
  having count(*) > 1
  order by name`

/** A token as it is listed, without its secret. Times are ISO 8601 in UTC, or null. */
export interface TokenRow {
  id: string
  name: string
  created_at: string
  last_used_at: string | null
  expires_at: string | null
  revoked_at: string | null
}

/** Creates a token that expires after `days` days, or never. The returned text is the only copy of its secret. */
export async function createToken(sql: Sql, name: string, days: number | undefined): Promise<string> {
  const id = randomBytes(6).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  await sql`
    insert into jobs_api_tokens (id, name, secret_hash, expires_at)
    values (${id}, ${name}, ${hashed(secret)}, now() + ${days ?? null}::int * interval '24 hours')`
  return `jobs_${id}_${secret}`
}

const utc = (sql: Sql, column: string) => sql`to_char(${sql(column)} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`

/** All tokens, the oldest first. */
export const listTokens = (sql: Sql): Promise<TokenRow[]> => sql<TokenRow[]>`
  select
    id, name,
    ${utc(sql, 'created_at')} as created_at,
    ${utc(sql, 'last_used_at')} as last_used_at,
    ${utc(sql, 'expires_at')} as expires_at,
    ${utc(sql, 'revoked_at')} as revoked_at
  from jobs_api_tokens
  order by jobs_api_tokens.created_at, id`

/**
 * Revokes the token with this id, at once and for every server. A token that is revoked already stays so.
 * @throws Failure `not_found` when there is no such token
 */
export async function revokeToken(sql: Sql, id: string): Promise<void> {
  const { count } = await sql`
    update jobs_api_tokens
    set revoked_at = coalesce(revoked_at, now())
    where id = ${id}`
  if (count === 0) {
    throw new Failure('not_found', `there is no token ${id}`, { hint: 'jobs-server token list shows them' })
  }
}

/** Writes one warning for each name that several live tokens have. */
export async function warnOfSharedNames(sql: Sql, log: Pick<Log, 'warn'>): Promise<void> {
  for (const shared of await sharedNames(sql)) log.warn(sharedNameWarning(shared))
}
