import { randomBytes } from 'node:crypto'
import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'
import type { Authenticator } from './authenticate.ts'
import { hashed, sameHash } from './equal.ts'

const shape = /^jobs_([0-9a-f]{12})_([\w-]{43})$/

/** A token as it is listed: everything but the secret. Times are ISO 8601 in UTC, or null. */
export interface TokenRow {
  id: string
  name: string
  created_at: string
  last_used_at: string | null
  expires_at: string | null
  revoked_at: string | null
}

/** Makes a token that ends after `days` days, or never. This is the only time that it can be read. */
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
 * Ends the token with this id, at once and on every server. Ending it twice is no fault.
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

/** Multi-user mode: bearer tokens, looked up at each call, so that a revoked one is refused at once. */
export function tokenAuthenticator(sql: Sql): Authenticator {
  return {
    challenge: 'Bearer realm="jobs"',
    authenticate: async (header) => {
      const [, given] = /^bearer +(\S+)$/i.exec(header('authorization')?.trim() ?? '') ?? []
      if (!given) {
        throw new Failure('unauthenticated', 'a token is needed', { hint: 'send it as Authorization: Bearer <token>' })
      }
      const name = await ownerOf(sql, given)
      if (name === undefined) {
        throw new Failure('unauthenticated', 'the token is not known, or has ended', {
          hint: 'jobs-server token create makes one',
        })
      }
      return { name }
    },
  }
}

async function ownerOf(sql: Sql, token: string): Promise<string | undefined> {
  const [, id = '', secret = ''] = shape.exec(token) ?? []
  if (!id) return undefined
  const [row] = await sql<{ name: string; secret_hash: string; rested: boolean }[]>`
    select name, secret_hash, coalesce(last_used_at < now() - interval '1 minute', true) as rested
    from jobs_api_tokens
    where id = ${id} and revoked_at is null and (expires_at is null or expires_at > now())`
  if (!row || !sameHash(hashed(secret), row.secret_hash)) return undefined
  // Once a minute is enough to know: a write for each call would cost more than the call.
  if (row.rested) await sql`update jobs_api_tokens set last_used_at = now() where id = ${id}`
  return row.name
}
