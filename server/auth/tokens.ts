import { randomBytes } from 'node:crypto'
import type { TokenLimits } from '../../shared/access/limits.ts'
import { agentPrincipal, agentRole, type Grant, type Role } from '../../shared/access/rights.ts'
import { TokenScope } from '../../shared/access/token-scope.ts'
import type { Token } from '../../shared/access/tokens.ts'
import { Failure } from '../../shared/errors.ts'
import { type Fragment, type Sql, staticFragment, utcText } from '../database/sql.ts'
import { noteRotation, secretsBy } from './secret-makers.ts'
import { hashed } from './secrets.ts'

const shape = /^jobs_([0-9a-f]{12})_([\w-]{43})$/

/** The role of a token that has not been given one: it may do everything, as every token could before there were roles. */
export const withoutRole: Role = 'legacy-admin'

/**
 * Stands in `jobs_api_tokens` in place of the hash of a token with a role. It is no hash, so that no secret fits it, and a server
 * of version 0.1.0, to which every token may do everything, refuses the token.
 */
const keptElsewhere = 'in jobsctl_tokens'

/**
 * An SQL condition: whether a principal is that of a person who may call, with a token that is not of an agent, or by single sign-on.
 * @param principal an SQL expression
 */
export const isPerson = (sql: Sql, principal: Fragment): Fragment => sql`(
  exists (
    select
    from jobs_api_tokens as token_of_person
    left join jobsctl_tokens as grants_of_person using (id)
    where coalesce(grants_of_person.principal, token_of_person.name) = ${principal}
      and coalesce(grants_of_person.role, ${withoutRole}) <> ${agentRole}
      and token_of_person.revoked_at is null and coalesce(token_of_person.expires_at > now(), true)
      and grants_of_person.suspended_at is null
  )
  or exists (select from jobsctl_callers as person where person.id = ${principal} and person.blocked_at is null)
)`

/** The id and the secret of a token; undefined for a text that is no token. */
export function tokenParts(token: string): { id: string; secret: string } | undefined {
  const [, id, secret] = shape.exec(token) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** An SQL condition on `jobs_api_tokens`: true for a token that is not revoked and has not expired. */
export const isLive = staticFragment((sql) => sql`revoked_at is null and (expires_at is null or expires_at > now())`)

/**
 * Locks the token that makes or rotates another one until that is done, so that a revocation with all that it made finds the new one.
 * @param maker the id of a caller; one that is no token is passed over
 * @throws Failure `unauthenticated` for a token that was revoked meanwhile
 */
export async function requireLiveMaker(tx: Sql, maker: string): Promise<void> {
  const [token] = await tx<{ live: boolean }[]>`
    select ${isLive(tx)} as live from jobs_api_tokens where id = ${maker} for share`
  if (token?.live === false)
    throw new Failure('unauthenticated', 'the token of the caller has ended meanwhile; nothing was changed')
}

/** Locks tokens by their ids in one order, so that two callers who rotate each other's do not wait for each other. */
export const lockTokens = async (tx: Sql, ids: readonly string[]): Promise<void> => {
  await tx`select from jobs_api_tokens where id = any(${[...ids]}::text[]) order by id for update`
}

/** A token to be made. */
export interface NewToken {
  name: string
  /** Undefined for a token that may do everything, on servers of version 0.1.0 too. */
  grant?:
    | (Grant &
        TokenLimits & {
          /** Of an agent it is not read: it follows from `of`. */
          principal: string
          madeBy: string
          scope?: TokenScope | null | undefined
        })
    | undefined
  /** Days until it expires; undefined for never. */
  days: number | undefined
}

/**
 * Refuses an agent of nobody.
 * @throws Failure `not_found`
 */
export async function requirePerson(sql: Sql, of: string): Promise<void> {
  const [{ may }] = await sql<[{ may: boolean }]>`select ${isPerson(sql, sql`${of}::text`)} as may`
  if (may) return
  throw new Failure(
    'not_found',
    `nobody is ${JSON.stringify(of)}: no live token has this principal, and no caller of single sign-on has this id; nothing was changed`,
    { hint: 'jobs-server token list shows the principals, jobs-server callers list the callers of single sign-on' },
  )
}

/** Creates a token. The returned text is the only copy of its secret. */
export async function createToken(sql: Sql, { name, grant, days }: NewToken): Promise<{ id: string; token: string }> {
  const id = randomBytes(6).toString('hex')
  const secret = newSecret()
  const expires = sql`now() + ${days ?? null}::int * interval '24 hours'`
  if (!grant) {
    await sql`
      insert into jobs_api_tokens (id, name, secret_hash, expires_at) values (${id}, ${name}, ${hashed(secret)}, ${expires})`
  } else {
    await sql`
      with token as (
        insert into jobs_api_tokens (id, name, secret_hash, expires_at) values (${id}, ${name}, ${keptElsewhere}, ${expires})
      )
      insert into jobsctl_tokens (id, role, principal, made_by, secret_hash, may_enqueue, approver, may_break_glass, may_edit, scope, max_per_change, max_per_day, agent_of)
      values (
        ${id}, ${grant.role}, ${grant.of ? agentPrincipal(grant.of) : grant.principal}, ${grant.madeBy}, ${hashed(secret)}, ${grant.may_enqueue},
        ${grant.approver ?? false}, ${grant.may_break_glass ?? false}, ${grant.may_edit ?? false},
        ${scopeJson(grant.scope)}::text::jsonb, ${grant.max_per_change ?? null}::bigint, ${grant.max_per_day ?? null}::bigint,
        ${grant.of ?? null}
      )`
  }
  return { id, token: tokenText(id, secret) }
}

export const scopeJson = (scope: TokenScope | null | undefined): string | null => (scope ? JSON.stringify(scope) : null)

const newSecret = (): string => randomBytes(32).toString('base64url')

const tokenText = (id: string, secret: string): string => `jobs_${id}_${secret}`

/** A query of the tokens of `which`, a part that begins with `where` or `order by`. */
const tokensOf = async (sql: Sql, which: Fragment): Promise<Token[]> =>
  (await readTokens(sql, which)).map((row) => ({ ...row, scope: shownScope(row.scope) }))

/** A scope that only a newer version knows is shown as one without names: this version refuses its token. */
const shownScope = (scope: unknown): Token['scope'] =>
  scope === null
    ? null
    : (TokenScope.safeParse(scope).data ?? { domains: [], queues: [], job_types: [], cascade: false })

const readTokens = (sql: Sql, which: Fragment) => sql<(Omit<Token, 'scope'> & { scope: unknown })[]>`
  select
    id, name,
    ${utcText(sql, 'created_at')} as created_at,
    ${utcText(sql, 'last_used_at')} as last_used_at,
    ${utcText(sql, 'expires_at')} as expires_at,
    ${utcText(sql, 'revoked_at')} as revoked_at,
    coalesce(role, ${withoutRole}) as role, coalesce(may_enqueue, false) as may_enqueue,
    coalesce(approver, false) as approver, coalesce(may_break_glass, false) as may_break_glass, coalesce(may_edit, false) as may_edit,
    coalesce(principal, name) as principal, made_by, ${secretsBy(sql)} as secrets_by, agent_of as of,
    ${utcText(sql, 'suspended_at')} as suspended_at,
    grants.scope, max_per_change, max_per_day, last_used_from, case when previous_until > now() then ${utcText(sql, 'previous_until')} end as previous_until
  from jobs_api_tokens token
  left join jobsctl_tokens grants using (id)
  ${which}`

/** All tokens, the oldest first. */
export const listTokens = (sql: Sql): Promise<Token[]> => tokensOf(sql, sql`order by token.created_at, id`)

/** At most this many tokens, the newest first. */
export const newestTokens = (sql: Sql, limit: number): Promise<Token[]> =>
  tokensOf(sql, sql`order by token.created_at desc, id limit ${limit}`)

/** @throws Failure `not_found` when there is no such token */
export async function findToken(sql: Sql, id: string): Promise<Token> {
  const [token] = await tokensOf(sql, sql`where id = ${id}`)
  if (token) return token
  throw unknownToken(id)
}

/**
 * Suspends a token, or ends its suspension, at once and for every server. Servers of version 0.1.0 refuse it from then on in
 * either case.
 * @returns false where it is so already
 * @throws Failure `not_found` when there is no such token; `conflict` for a revoked one, which nothing makes work again
 */
export async function suspendToken(tx: Sql, id: string, { suspended }: { suspended: boolean }): Promise<boolean> {
  await lockGrant(tx, id)
  await requireUnrevoked(tx, id)
  const { count } = await tx`
    update jobsctl_tokens
    set suspended_at = case when ${suspended} then now() end
    where id = ${id} and (suspended_at is not null) <> ${suspended}`
  return count > 0
}

async function requireUnrevoked(tx: Sql, id: string): Promise<void> {
  const [row] = await tx`select from jobs_api_tokens where id = ${id} and revoked_at is not null`
  if (!row) return
  throw new Failure('conflict', `the token ${id} is revoked for good; nothing was changed`, {
    hint: 'jobs-server token create <name> makes another',
  })
}

/**
 * Gives a token a new secret under the same id. The previous secret works for that number of seconds, and the one before it ends.
 * Servers of version 0.1.0 refuse the token from then on.
 * @param by the id of the caller that gets the secret; undefined at the shell, beside the database
 * @returns the only copy of the token
 * @throws Failure `not_found` when there is no such token, `conflict` when it is revoked or has expired
 */
export async function rotateToken(
  tx: Sql,
  id: string,
  { by, overlapSeconds }: { by: string | undefined; overlapSeconds: number },
): Promise<string> {
  const secret = newSecret()
  await lockGrant(tx, id)
  const [token] = await tx<{ live: boolean }[]>`select ${isLive(tx)} as live from jobs_api_tokens where id = ${id}`
  if (!token?.live) throw endedToken(id)
  await tx`
    update jobsctl_tokens
    set
      secret_hash = ${hashed(secret)},
      previous_hash = case when ${overlapSeconds}::int > 0 then secret_hash end,
      previous_until = case when ${overlapSeconds}::int > 0 then now() + ${overlapSeconds}::int * interval '1 second' end
    where id = ${id}`
  await noteRotation(tx, id, { by, overlapSeconds })
  return tokenText(id, secret)
}

const endedToken = (id: string): Failure =>
  new Failure('conflict', `the token ${id} is revoked or has expired; nothing was changed`, {
    hint: 'a new secret would not work either: make another token',
  })

/**
 * Locks a token whose grant changes in this transaction. A token without a role, of version 0.1.0, first gets a grant of all rights, which
 * takes its hash along.
 */
export async function lockGrant(tx: Sql, id: string): Promise<void> {
  const [token] = await tx<{ hash: string }[]>`
    select secret_hash as hash from jobs_api_tokens where id = ${id} for update`
  if (!token) throw unknownToken(id)
  if (token.hash === keptElsewhere) return
  await tx`
    insert into jobsctl_tokens (id, role, principal, secret_hash)
    select id, ${withoutRole}, name, secret_hash from jobs_api_tokens where id = ${id}`
  await tx`update jobs_api_tokens set secret_hash = ${keptElsewhere} where id = ${id}`
}

const unknownToken = (id: string): Failure =>
  new Failure('not_found', `there is no token ${id}`, {
    hint: 'jobs-server token list shows them, and so does jobsctl token list',
  })

/** Revokes all tokens, and returns how many were live. */
export async function revokeAllTokens(sql: Sql): Promise<number> {
  const { count } = await sql`update jobs_api_tokens set revoked_at = now() where revoked_at is null`
  return count
}
