import { randomBytes } from 'node:crypto'
import { agentPrincipal, agentRole, rightsOf } from '../../../shared/access/rights.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import type { Authenticator, Caller } from '../authenticate.ts'
import { hashed } from '../secrets.ts'
import { isProvenBy, proofOf, sessionName } from '../sessions/session-store.ts'
import { agentsOff, areAgentsOn } from './switch.ts'

/** The most sessions that one key or token has; another one ends the oldest. */
const mostSessions = 5

/** How long after it was opened a session ends, in seconds. */
const longestSeconds = 12 * 3600

const shape = /^ja_[\w-]{43}$/

/** Whether a text is the secret of an agent's session, and no key or token. */
export const isAgentSecret = (secret: string): boolean => shape.test(secret)

/** What an agent may do at most. */
const rightsOfAgents = rightsOf({ role: agentRole, may_enqueue: false })

interface NewSession {
  /** Who opens it, by a key or a token. */
  caller: Caller
  /** The hash of the key or token. */
  hash: string
  client: string | undefined
  address: string | undefined
}

/**
 * Opens a session of an agent, and ends the oldest ones of the caller beyond the most that it may have.
 * @returns the only copy of its secret, and its end, in seconds since 1970
 */
export async function openAgentSession(
  tx: Sql,
  { caller, hash, client, address }: NewSession,
): Promise<{ secret: string; ends: number }> {
  const secret = `ja_${randomBytes(32).toString('base64url')}`
  // `agents off` waits for this transaction, and then ends the session with all others.
  const { count } = await tx`select from jobsctl_settings where name = 'agents' and value = 'on' for share`
  if (count === 0) throw agentsOff()
  const [{ ends }] = await tx<[{ ends: number }]>`
    insert into jobsctl_agent_sessions (id_hash, caller, proof, principal, client, address)
    values (
      ${hashed(secret)}, ${caller.id}, ${proofOf(secret, hash)}, ${personOf(caller)}, ${client ?? null}, ${address ?? null}
    )
    returning extract(epoch from opened_at)::float8 + ${longestSeconds}::int as ends`
  await tx`
    delete from jobsctl_agent_sessions
    where caller = ${caller.id} and id_hash in (
      select id_hash
      from jobsctl_agent_sessions
      where caller = ${caller.id} and id_hash <> ${hashed(secret)}
      order by opened_at desc
      offset ${mostSessions - 1}
    )`
  return { secret, ends }
}

/** The person whose agent the caller opens a session for. */
export const personOf = ({ agent, principal }: Caller): string => agent?.of ?? principal

interface StoredSession {
  caller: string
  proof: string
  client: string | null
  age: number
  on: boolean
}

/**
 * The agent behind the secret of a session: never more than its key or token may now, and never more than the role. The session, the key or
 * token and the switch are looked up at each call, so that their end acts at once, on every server.
 * @throws Failure `unauthenticated` for a session that has ended; `forbidden` while agents are off
 */
export async function agentOfSession(
  { sql, auth }: { sql: Sql; auth: Authenticator },
  secret: string,
): Promise<Caller> {
  const [stored] = await sql<StoredSession[]>`
    select caller, proof, client, extract(epoch from now() - opened_at)::float8 as age, ${areAgentsOn(sql)} as on
    from jobsctl_agent_sessions
    where id_hash = ${hashed(secret)}`
  if (!stored) throw ended('it is not known, or was ended')
  if (!stored.on) throw agentsOff()
  if (stored.age >= longestSeconds) throw ended('its 12 hours are over')
  const parent = await auth.callerBehind(stored.caller, isProvenBy(secret, stored))
  if (!parent) throw ended('the key or the token behind it was changed, revoked or has expired')
  const of = personOf(parent)
  return {
    ...parent,
    role: agentRole,
    principal: agentPrincipal(of),
    may: agentRightsWithin(parent.may),
    agent: { name: parent.name, of, session: sessionName(secret), client: stored.client ?? undefined },
  }
}

/** The rights of an agent whose key or token has these. */
export const agentRightsWithin = (may: Caller['may']): Caller['may'] =>
  new Set([...may].filter((right) => rightsOfAgents.has(right)))

const ended = (why: string): Failure =>
  new Failure('unauthenticated', `the session of the agent has ended: ${why}`, {
    hint: 'open another one with a key or a token',
  })

/** Ends the session with this name. */
export const endAgentSession = async (sql: Sql, caller: string, name: string): Promise<number> =>
  (await sql`delete from jobsctl_agent_sessions where caller = ${caller} and left(id_hash, 12) = ${name}`).count

/** Deletes the sessions whose time is over. */
export async function deleteEndedAgentSessions(sql: Sql): Promise<void> {
  await sql`
    delete from jobsctl_agent_sessions where opened_at < now() - ${longestSeconds}::int * interval '1 second'`
}
