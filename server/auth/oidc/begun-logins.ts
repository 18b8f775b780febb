import { randomBytes } from 'node:crypto'
import type { Sql } from '../../database/sql.ts'
import { hashed } from '../secrets.ts'

/** A login that has been sent to the provider. */
export interface BegunLogin {
  state: string
  nonce: string
  /** The verifier of PKCE. */
  verifier: string
}

/** How long a login may take, in seconds. */
export const longestLogin = 600

/** More are begun by nobody but an attacker; the oldest is forgotten first. */
const mostBegun = 10_000

const isOver = (sql: Sql) => sql`begun_at <= now() - ${longestLogin}::int * interval '1 second'`

/** Keeps a login until it comes back. Returns the secret of the cookie by which it is found. */
export async function keepLogin(sql: Sql, { state, nonce, verifier }: BegunLogin): Promise<string> {
  const secret = randomBytes(32).toString('base64url')
  await sql`
    delete from jobsctl_logins
    where ${isOver(sql)}
      or id_hash in (select id_hash from jobsctl_logins order by begun_at desc offset ${mostBegun - 1})`
  await sql`
    insert into jobsctl_logins (id_hash, state, nonce, verifier)
    values (${hashed(secret)}, ${state}, ${nonce}, ${verifier})`
  return secret
}

/** Takes a login, which nobody takes a second time; undefined where there is none, or it took too long. */
export async function takeLogin(sql: Sql, secret: string): Promise<BegunLogin | undefined> {
  const [row] = await sql<(BegunLogin & { over: boolean })[]>`
    delete from jobsctl_logins
    where id_hash = ${hashed(secret)}
    returning state, nonce, verifier, ${isOver(sql)} as over`
  return row && !row.over ? row : undefined
}

/** Forgets logins that did not come back. */
export const forgetLogins = (sql: Sql) => sql`
  delete from jobsctl_logins where ${isOver(sql)}`
