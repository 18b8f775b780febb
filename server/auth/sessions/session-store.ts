import { createHmac, randomBytes } from 'node:crypto'
import { unlessReadOnly } from '../../database/errors/failure.ts'
import type { Sql } from '../../database/sql.ts'
import { hashed, sameHash } from '../secrets.ts'
import { endOldest, memorySessions, nowSeconds } from './memory-sessions.ts'
import { longestTerms } from './session-terms.ts'

/** The most sessions of one caller; a login beyond them ends the one that was used least recently. */
const mostSessions = 20

/** A session as the database has it. Times are in seconds, by the clock of the database. */
interface StoredSession {
  caller: string
  proof: string
  /** The time of the login, since 1970. */
  opened: number
  /** Since the login. */
  age: number
  /** Since the last call, up to a minute too much. */
  idle: number
}

/** The name of a session in records and answers. */
export const sessionName = (secret: string): string => hashed(secret).slice(0, 12)

export const proofOf = (secret: string, hash: string): string => createHmac('sha256', secret).update(hash).digest('hex')

/** Tells whether a session was opened with the key or token that has this hash. */
export const isProvenBy =
  (secret: string, { proof }: Pick<StoredSession, 'proof'>) =>
  (hash: string): boolean =>
    sameHash(proofOf(secret, hash), proof)

interface NewSession {
  caller: string
  /** The hash of the key or token with which it is opened. */
  hash: string
  address: string | undefined
}

/**
 * Makes a session, and ends those of the caller beyond the most that it may have.
 * @returns the only copy of its secret, and the time of the login
 */
export async function insertSession(
  tx: Sql,
  { caller, hash, address }: NewSession,
): Promise<{ secret: string; opened: number }> {
  const secret = randomBytes(32).toString('base64url')
  const kept = memorySessions(tx)
  if (kept) {
    const now = nowSeconds()
    kept.set(hashed(secret), { caller, proof: proofOf(secret, hash), opened: now, seen: now })
    endOldest(kept, caller, mostSessions)
    return { secret, opened: now }
  }
  const [{ opened }] = await tx<[{ opened: number }]>`
    insert into jobsctl_sessions (id_hash, caller, proof, address)
    values (${hashed(secret)}, ${caller}, ${proofOf(secret, hash)}, ${address ?? null})
    returning extract(epoch from opened_at)::float8 as opened`
  await tx`
    delete from jobsctl_sessions
    where caller = ${caller} and id_hash in (
      select id_hash
      from jobsctl_sessions
      where caller = ${caller} and id_hash <> ${hashed(secret)}
      order by seen_at desc
      offset ${mostSessions - 1}
    )`
  return { secret, opened }
}

/** Undefined for a secret of no session. */
export async function findSession(sql: Sql, secret: string): Promise<StoredSession | undefined> {
  const kept = memorySessions(sql)
  if (kept) {
    const found = kept.get(hashed(secret))
    const now = nowSeconds()
    return found && { ...found, age: now - found.opened, idle: now - found.seen }
  }
  const [row] = await sql<StoredSession[]>`
    select
      caller, proof, extract(epoch from opened_at)::float8 as opened,
      extract(epoch from now() - opened_at)::float8 as age, extract(epoch from now() - seen_at)::float8 as idle
    from jobsctl_sessions
    where id_hash = ${hashed(secret)}`
  return row
}

/** Notes a call. The caller of this function does so once a minute, because a write for each call would cost more than the call. */
export async function noteSession(sql: Sql, secret: string): Promise<void> {
  const found = memorySessions(sql)?.get(hashed(secret))
  if (found) found.seen = nowSeconds()
  else await unlessReadOnly(sql`update jobsctl_sessions set seen_at = now() where id_hash = ${hashed(secret)}`)
}

/** Ends one session, or all sessions of a caller. Returns their number. */
export async function deleteSessions(
  sql: Sql,
  which: { name: string; caller: string } | { caller: string },
): Promise<number> {
  const kept = memorySessions(sql)
  if (kept) {
    const ended = [...kept].filter(
      ([hash, { caller }]) => caller === which.caller && (!('name' in which) || hash.startsWith(which.name)),
    )
    for (const [hash] of ended) kept.delete(hash)
    return ended.length
  }
  const one = 'name' in which ? sql`and left(id_hash, 12) = ${which.name}` : sql``
  const { count } = await sql`delete from jobsctl_sessions where caller = ${which.caller} ${one}`
  return count
}

/** Deletes the sessions whose longest term is over. */
export async function deleteEndedSessions(sql: Sql): Promise<void> {
  await sql`
    delete from jobsctl_sessions
    where seen_at < now() - ${longestTerms.idle}::int * interval '1 second'
      or opened_at < now() - ${longestTerms.longest}::int * interval '1 second'`
}
