import { rightsOf } from '../../shared/access/rights.ts'
import { Failure } from '../../shared/errors.ts'
import { type Authenticator, bearerOf, type Caller } from '../auth/authenticate.ts'
import { hashed, sameHash } from '../auth/secrets.ts'

/** Who calls without a server: the role of the database, one principal, which approves nothing that it has planned itself. */
export function directCaller(role: string): Caller {
  const id = `db:${role}`
  const grant = { role: 'admin', may_enqueue: true }
  return {
    id,
    name: id,
    role: grant.role,
    principal: id,
    may: rightsOf(grant),
    within: undefined,
    leaseOwner: undefined,
  }
}

/**
 * Takes the key of the run and nothing else.
 * @param sessions when sessions of browsers began, in seconds since 1970, by the hashes of their secrets
 */
export function directAuthenticator(caller: Caller, key: string, sessions: ReadonlyMap<string, number>): Authenticator {
  const known = hashed(key)
  return {
    challenge: 'ApiKey realm="jobs", header="X-API-KEY"',
    way: 'key',
    hashOf: hashed,
    secretOf: (header) => header('x-api-key') || bearerOf(header),
    callerBehind: async (id, passes) => (id === caller.id && passes(known) ? caller : undefined),
    ownSession: (secret) => {
      const opened = sessions.get(hashed(secret))
      return opened === undefined ? undefined : { caller, opened }
    },
    authenticate: async ({ secret }) => {
      if (secret && sameHash(hashed(secret), known)) return caller
      throw new Failure('unauthenticated', 'this server takes the key of the command that started it, and no other')
    },
  }
}
