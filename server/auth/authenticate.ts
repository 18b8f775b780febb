import { allRights, type Grant, type Right } from '../../shared/access/rights.ts'
import type { TokenScope } from '../../shared/access/token-scope.ts'

/** The session of a browser by which a caller calls. Times are in seconds, by the clock of the database. */
export interface CallerSession {
  /** Names the session in records and answers. */
  name: string
  /** The time of the login, since 1970. */
  opened: number
  /** Since the login. */
  age: number
  /** What the caller may do outside the browser: with `JOBS_UI=read` more than in it. */
  may: ReadonlySet<Right>
}

/** A program that looks and proposes for a person. */
export interface Agent {
  /** The name of its token, or of the token that opened its session. */
  name: string
  /** The person whose agent it is: a principal. */
  of: string
  /** Names its session; undefined for a token with the role agent. */
  session: string | undefined
  /** What the program said that it is, such as `desk-client 1.2`; undefined where it said nothing. */
  client: string | undefined
}

/** An authenticated caller. */
export interface Caller {
  /** Names the caller in records, keys and events: the id of its token, or `single-user`. */
  id: string
  /** The name of its token. Servers before this version wrote it where the id is written now. */
  name: string
  /** The role of its token; a newer version may have written one that this version does not know. */
  role: Grant['role']
  /** Whom the token is for. */
  principal: string
  /** What the caller may do, computed once per call. */
  may: ReadonlySet<Right>
  /** What its token is limited to; undefined for a caller that is not limited. */
  within: TokenScope | undefined
  /** The token to which its leases belong; undefined for a caller whose leases every worker may finish that knows them. */
  leaseOwner: string | undefined
  /** The session by which it calls; undefined for a caller with a key or a token. */
  session?: CallerSession
  /** Set for an agent: it never has more rights than its role. */
  agent?: Agent
}

/** The caller of single-user mode, whose one key may do everything. */
export const singleUser: Caller = {
  id: 'single-user',
  name: 'single-user',
  role: 'admin',
  principal: 'single-user',
  may: new Set(allRights),
  within: undefined,
  leaseOwner: undefined,
}

/** What a caller has sent to say who it is. */
interface Credentials {
  /** A key or a token; undefined where there is none. */
  secret: string | undefined
  /** The address by which wrong credentials are counted. */
  address: string
}

/** Finds out who is calling. */
export interface Authenticator {
  /** The challenge that goes with a 401. */
  challenge: string
  /** What callers log in with. */
  way: 'key' | 'token'
  /** The hash by which `callerBehind` knows a key or a token. */
  hashOf: (secret: string) => string
  /** The key or the token of a request by its headers; undefined without one. */
  secretOf: (header: (name: string) => string | undefined) => string | undefined
  /**
   * @throws Failure `unauthenticated` when the credentials are missing or wrong, `rate_limited` after too many wrong ones
   */
  authenticate: (credentials: Credentials) => Promise<Caller>
  /**
   * The caller with this id as it is now; undefined where it has ended, or where none of the hashes of its key or token passes.
   * @throws Failure `unauthenticated` for a suspended token
   */
  callerBehind: (id: string, passes: (hash: string) => boolean) => Promise<Caller | undefined>
  /**
   * The caller of a session that this process keeps by itself, and when it began, in seconds since 1970. Undefined for any other secret.
   * Absent where the database keeps all sessions.
   */
  ownSession?: (secret: string) => { caller: Caller; opened: number } | undefined
}

/** The token of `Authorization: Bearer`; undefined without one. */
export const bearerOf = (header: (name: string) => string | undefined): string | undefined =>
  /^bearer +(\S+)$/i.exec(header('authorization')?.trim() ?? '')?.[1]
