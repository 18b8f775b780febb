import { parseConninfo } from '../../env/conninfo.ts'

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

export function createPassword(conninfo: string): Password {
  const { password: first, rest } = partsOf(conninfo)
  let current = first
  return {
    current: first === undefined ? undefined : () => current ?? first,
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
