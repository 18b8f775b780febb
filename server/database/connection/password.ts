import { parseConninfo } from '../../../shared/conninfo.ts'

/** The password of a connection string, which that of another one may replace while the server runs. */
interface Password {
  /** Undefined where the connection string has no password. */
  current: (() => string) | undefined
  /**
   * Takes the password of another connection string.
   * @returns false where it differs in more, and nothing was taken
   * @throws ConninfoError
   */
  take: (conninfo: string) => boolean
}

/** @param elsewhere the password where the connection string has none: of its service, or of the password file */
export function createPassword(conninfo: string, elsewhere: string | undefined): Password {
  const { password: first, rest } = partsOf(conninfo)
  let current = first
  const known = first ?? elsewhere
  return {
    current: known === undefined ? undefined : () => current ?? known,
    take: (other) => {
      const { password, rest: ofOther } = partsOf(other)
      if (ofOther !== rest || (first === undefined) !== (password === undefined)) return false
      current = password
      return true
    },
  }
}

/** The password, and all the rest as a text that can be compared. */
function partsOf(conninfo: string): { password: string | undefined; rest: string } {
  const parameters = parseConninfo(conninfo)
  const password = parameters.get('password')
  parameters.delete('password')
  return { password, rest: JSON.stringify([...parameters].sort()) }
}
