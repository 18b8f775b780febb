/** An authenticated caller. */
export interface Caller {
  /** Names the caller in records, keys and events: the id of its token, or `single-user`. */
  id: string
  /** The name of its token. Servers before this version wrote it where the id is written now. */
  name: string
}

/** The parts of a request that say who is calling. */
export interface Credentials {
  header: (name: string) => string | undefined
  /** The address by which wrong credentials are counted. */
  address: () => string
}

/** Finds out who is calling. */
export interface Authenticator {
  /** The challenge that goes with a 401. */
  challenge: string
  /**
   * @throws Failure `unauthenticated` when the credentials are missing or wrong, `rate_limited` after too many wrong ones
   */
  authenticate: (credentials: Credentials) => Promise<Caller>
}

/** The token of `Authorization: Bearer`; undefined without one. */
export const bearerOf = (header: Credentials['header']): string | undefined =>
  /^bearer +(\S+)$/i.exec(header('authorization')?.trim() ?? '')?.[1]
