import type { Log } from '../../log/log.ts'
import { hasCode } from '../errors/error-meanings.ts'

/** What each new connection does before it is used. */
export interface Opening {
  /** The statement that a new connection runs before any other; undefined for none. */
  statement: () => string | undefined
  /** True for an error of the statement after which the connection must not be used. */
  refuses: (error: unknown) => boolean
  /** Receives the notices of all statements. */
  heard: (notice: { [field: string]: string | undefined }) => void
}

/** The SQLSTATE of a warning that goes to the log of the server. A class of SQLSTATE that begins with `01` is a warning. */
export const loggedWarning = '01J01'

/**
 * Connections are refused on a standby, and where the statement may work at another time: a lock that is held, a limit of
 * time, too few resources, a server that stops. After any other error, such as a right that is missing, connections are used.
 */
const refused = ['25006', '55P03', '57', '40', '53', '58', '08']

/** What a statement of an opening is for; of each there is at most one. */
export type OpeningPurpose = 'engine' | 'event ids'

/** An opening whose statements are set later. */
export function createOpening(
  log: Pick<Log, 'warn'>,
): Opening & { set: (purpose: OpeningPurpose, statement: string) => void } {
  const texts = new Map<OpeningPurpose, string>()
  return {
    statement: () => (texts.size === 0 ? undefined : [...texts.values()].join('; ')),
    refuses: (error) => hasCode(error, refused),
    heard: ({ code, message }) => {
      if (code === loggedWarning && message !== undefined) log.warn(message)
    },
    set: (purpose, statement) => void texts.set(purpose, statement),
  }
}
