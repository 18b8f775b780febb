/** Who is calling, or a failure. Roles and domain scopes will be fields of what this returns. */
interface Caller {
  name: string
}

export interface Authenticator {
  /** The challenge that goes with a 401. */
  challenge: string
  /**
   * @throws Failure `unauthenticated` when the credentials are missing or wrong
   */
  authenticate: (header: (name: string) => string | undefined) => Promise<Caller>
}
