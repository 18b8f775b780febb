import DataLoader from 'dataloader'
import { agentRole, type Grant, rightsOf } from '../../shared/access/rights.ts'
import { TokenScope } from '../../shared/access/token-scope.ts'
import { Failure } from '../../shared/errors.ts'
import { unlessReadOnly } from '../database/errors/failure.ts'
import type { Sql } from '../database/sql.ts'
import { agentsOff, areAgentsOn } from './agents/switch.ts'
import type { AttemptLimit } from './attempt-limit.ts'
import { type Authenticator, bearerOf, type Caller } from './authenticate.ts'
import { hashed, sameHash } from './secrets.ts'
import { isLive, isPerson, tokenParts, withoutRole } from './tokens.ts'

/**
 * Multi-user mode: bearer tokens. A right token is looked up at each call, so that a revoked one is refused at once. After a wrong one its
 * id is remembered for ten seconds, so that further wrong ones cost no query. This begins at once where no live token has the id or the
 * secret is the same, and else with the eleventh wrong secret, since the token may have got a new secret meanwhile. From an address with
 * too many wrong ones, tokens that were not right a moment ago are looked up together, ten times a second. Wrong ones with ever new ids
 * then cost hardly a query, and right ones are late by a tenth of a second, once.
 */
export function tokenAuthenticator(sql: Sql, limit: AttemptLimit): Authenticator {
  const remembered = createHashMemory()
  const find = createFindRow(sql)
  return {
    challenge: 'Bearer realm="jobs"',
    way: 'token',
    hashOf: (token) => hashed(tokenParts(token)?.secret ?? token),
    secretOf: bearerOf,
    callerBehind: async (id, passes) => {
      const row = await findRow(sql, id)
      return row?.hashes.some(passes) ? callerOf(row, id) : undefined
    },
    authenticate: async ({ secret: given, address }) => {
      if (!given) {
        throw new Failure('unauthenticated', 'a token is needed', { hint: 'send it as Authorization: Bearer <token>' })
      }
      const parts = tokenParts(given)
      const isAttacked = limit.isReached(addressKey(address))
      const caller = parts && (await findCaller(sql, { remembered, find }, { ...parts, address, isAttacked }))
      if (caller) return caller
      limit.countAttempt([addressKey(address), ...(parts ? [`token ${parts.id}`] : [])])
      throw new Failure('unauthenticated', 'the token is not known, or has ended', {
        hint: 'jobs-server token create worker-1 makes one',
      })
    },
  }
}

const addressKey = (address: string): string => `address ${address}`

interface Row extends Grant {
  name: string
  principal: string
  /** The hash of its secret, and of the one before it for as long as that is taken. */
  hashes: string[]
  suspended: boolean
  /** Its scope as JSON; null for none. A newer version may have written one that this version does not know. */
  scope: unknown
  /** Of an agent: whether agents may call, and whether its person still may. Null for every other token. */
  agents_on: boolean | null
  person_may: boolean | null
  /** The last use was not noted within the last minute. */
  unnoted: boolean
}

interface Given {
  id: string
  secret: string
  address: string
  /** Too many wrong tokens have come from the address. */
  isAttacked: boolean
}

interface Lookup {
  remembered: HashMemory
  find: FindRow
}

/** @throws Failure `unauthenticated` for the right secret of a suspended token */
async function findCaller(
  sql: Sql,
  { remembered, find }: Lookup,
  { id, secret, address, isAttacked }: Given,
): Promise<Caller | undefined> {
  const hash = hashed(secret)
  const isKnown = (hashes: readonly string[]) => hashes.some((one) => sameHash(hash, one))
  const known = remembered.get(id)
  if (known !== undefined && !isKnown(known.hashes) && isRefused(known, hash)) return undefined
  const row = await find(id, isAttacked)
  if (!row || !isKnown(row.hashes)) {
    remembered.add(id, { hashes: row?.hashes ?? [], wrong: hash })
    return undefined
  }
  const caller = callerOf(row, id)
  find.wasRight(id)
  // Noted once a minute, because a write for each call would cost more than the call.
  if (row.unnoted) await unlessReadOnly(noteUse(sql, id, address))
  return caller
}

/** The live token with this id. */
const findRow = async (sql: Sql, id: string): Promise<Row | undefined> => (await findRows(sql, [id]))[0]

const findRows = (sql: Sql, ids: readonly string[]) => sql<(Row & { id: string })[]>`
  select
    id, name, array_remove(array[
      coalesce(grants.secret_hash, token.secret_hash),
      case when previous_until > now() then previous_hash end
    ], null) as hashes, coalesce(grants.role, ${withoutRole}) as role,
    coalesce(grants.principal, name) as principal, coalesce(grants.may_enqueue, false) as may_enqueue,
    coalesce(grants.approver, false) as approver, coalesce(grants.may_break_glass, false) as may_break_glass,
    coalesce(grants.may_edit, false) as may_edit, grants.scope, grants.agent_of as of,
    case when grants.role = ${agentRole} then ${areAgentsOn(sql)} end as agents_on,
    case when grants.role = ${agentRole} then ${isPerson(sql, sql`grants.agent_of`)} end as person_may,
    suspended_at is not null as suspended, coalesce(last_used_at < now() - interval '1 minute', true) as unnoted
  from jobs_api_tokens token
  left join jobsctl_tokens grants using (id)
  where id = any(${[...ids]}::text[]) and ${isLive(sql)}`

/** Finds a live token: at once, or together with others from addresses that sent too many wrong ones. */
interface FindRow {
  (id: string, isAttacked: boolean): Promise<Row | undefined>
  /** Its next lookups are made at once. */
  wasRight: (id: string) => void
}

const [togetherMs, mostTogether, mostRight] = [100, 1000, 10_000]

function createFindRow(sql: Sql): FindRow {
  const right = new Set<string>()
  const many = new DataLoader<string, Row | undefined>(
    async (ids) => {
      const rows = new Map((await findRows(sql, ids)).map((row) => [row.id, row]))
      return ids.map((id) => rows.get(id))
    },
    { cache: false, maxBatchSize: mostTogether, batchScheduleFn: (run) => setTimeout(run, togetherMs) },
  )
  const find = async (id: string, isAttacked: boolean) =>
    isAttacked && !right.has(id) ? many.load(id) : findRow(sql, id)
  return Object.assign(find, {
    wasRight: (id: string) => {
      if (right.has(id)) return
      right.add(id)
      for (const oldest of right) {
        if (right.size <= mostRight) break
        right.delete(oldest)
      }
    },
  })
}

/** @throws Failure `unauthenticated` for a suspended token */
function callerOf(row: Row, id: string): Caller {
  if (row.suspended) {
    throw new Failure('unauthenticated', `the token ${row.name} (${id}) is suspended; nothing was changed`, {
      hint: `the operator of the server ends that: jobs-server token resume ${id}`,
    })
  }
  if (row.agents_on === false) throw agentsOff()
  if (row.person_may === false) throw withoutPerson(row, id)
  const { name, role, principal, of } = row
  const within = scopeOf(row, id)
  return {
    ...{ id, name, role, principal, may: rightsOf(row), within, leaseOwner: role === withoutRole ? undefined : id },
    ...(role === agentRole && { agent: { name, of: of ?? '', session: undefined, client: undefined } }),
  }
}

const withoutPerson = ({ name, of }: Row, id: string): Failure =>
  new Failure(
    'unauthenticated',
    `the token ${name} (${id}) is of an agent of ${of}, who has no token or login any more; nothing was changed`,
    { hint: `jobs-server token list shows the tokens; jobs-server token revoke ${id} ends that of the agent` },
  )

/** @throws Failure `forbidden` for a scope that this version does not know: it may limit the token more than this version can */
function scopeOf({ name, scope }: Row, id: string): TokenScope | undefined {
  if (scope === null) return undefined
  const known = TokenScope.safeParse(scope)
  if (known.success) return known.data
  throw new Failure(
    'forbidden',
    `this version of the server does not know the scope of the token ${name} (${id}); nothing was changed`,
    {
      hint: `a server of the version that gave the scope knows it; an admin gives another one: jobs-server token set-scope ${id}`,
    },
  )
}

const noteUse = (sql: Sql, id: string, address: string) => sql`
  with noted as (
    update jobsctl_tokens set last_used_from = ${address}::text where id = ${id}
  )
  update jobs_api_tokens set last_used_at = now() where id = ${id}`

const memoryMs = 10_000
const mostRemembered = 10_000

/** The most wrong secrets of a token that are remembered. */
const mostWrong = 10

interface Remembered {
  /** The hashes of the secrets of the token as they were; none for an id without a live token. */
  hashes: readonly string[]
  /** The hashes of wrong secrets. */
  wrong: readonly string[]
}

const isRefused = ({ hashes, wrong }: Remembered, hash: string): boolean =>
  hashes.length === 0 || wrong.length >= mostWrong || wrong.includes(hash)

/** What is known of a token by its id; undefined for an id that is not remembered. */
interface HashMemory {
  get: (id: string) => Remembered | undefined
  /** Remembers a wrong secret, and the hashes of the right ones. */
  add: (id: string, found: { hashes: readonly string[]; wrong: string }) => void
}

function createHashMemory(): HashMemory {
  const entries = new Map<string, Remembered & { until: number }>()
  const live = (id: string) => {
    const entry = entries.get(id)
    return entry && performance.now() < entry.until ? entry : undefined
  }
  return {
    get: live,
    add(id, { hashes, wrong }) {
      const before = live(id)
      entries.delete(id)
      const until = before?.until ?? performance.now() + memoryMs
      entries.set(id, { hashes, wrong: [...(before?.wrong ?? []), wrong].slice(-mostWrong), until })
      for (const oldest of entries.keys()) {
        if (entries.size <= mostRemembered) break
        entries.delete(oldest)
      }
    },
  }
}
