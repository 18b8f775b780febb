import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'
import type { AttemptLimit } from './attempt-limit.ts'
import { type Authenticator, bearerOf, type Caller } from './authenticate.ts'
import { hashed, sameHash } from './equal.ts'
import { tokenParts } from './tokens.ts'

/**
 * Multi-user mode: bearer tokens. A right token is looked up at each call, so that a revoked one is refused at once. After a
 * wrong one its id is remembered for ten seconds, so that further wrong ones cost no query.
 */
export function tokenAuthenticator(sql: Sql, limit: AttemptLimit): Authenticator {
  const remembered = createHashMemory()
  return {
    challenge: 'Bearer realm="jobs"',
    authenticate: async ({ header, address }) => {
      const given = bearerOf(header)
      if (!given) {
        throw new Failure('unauthenticated', 'a token is needed', { hint: 'send it as Authorization: Bearer <token>' })
      }
      const parts = tokenParts(given)
      const caller = parts && (await findCaller(sql, remembered, parts))
      if (caller) return caller
      limit.countWrong([`address ${address()}`, ...(parts ? [`token ${parts.id}`] : [])])
      throw new Failure('unauthenticated', 'the token is not known, or has ended', {
        hint: 'jobs-server token create worker-1 makes one',
      })
    },
  }
}

interface Row {
  name: string
  secret_hash: string
  /** The last use was not noted within the last minute. */
  unnoted: boolean
}

async function findCaller(
  sql: Sql,
  remembered: HashMemory,
  { id, secret }: { id: string; secret: string },
): Promise<Caller | undefined> {
  const hash = hashed(secret)
  const known = remembered.get(id)
  if (known !== undefined && (known === null || !sameHash(hash, known))) return undefined
  const [row] = await sql<Row[]>`
    select name, secret_hash, coalesce(last_used_at < now() - interval '1 minute', true) as unnoted
    from jobs_api_tokens
    where id = ${id} and revoked_at is null and (expires_at is null or expires_at > now())`
  if (!row || !sameHash(hash, row.secret_hash)) {
    remembered.set(id, row?.secret_hash ?? null)
    return undefined
  }
  // Noted once a minute, because a write for each call would cost more than the call.
  if (row.unnoted) await sql`update jobs_api_tokens set last_used_at = now() where id = ${id}`
  return { id, name: row.name }
}

const memoryMs = 10_000
const mostRemembered = 10_000

/** The hash of a token's secret by its id; null for an id without a live token; undefined for an id that is not remembered. */
interface HashMemory {
  get: (id: string) => string | null | undefined
  set: (id: string, hash: string | null) => void
}

function createHashMemory(): HashMemory {
  const entries = new Map<string, { hash: string | null; until: number }>()
  return {
    get(id) {
      const entry = entries.get(id)
      return entry && performance.now() < entry.until ? entry.hash : undefined
    },
    set(id, hash) {
      entries.delete(id)
      entries.set(id, { hash, until: performance.now() + memoryMs })
      for (const oldest of entries.keys()) {
        if (entries.size <= mostRemembered) break
        entries.delete(oldest)
      }
    },
  }
}
