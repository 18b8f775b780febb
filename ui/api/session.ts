import { type Caller, caller, signedOut, ways } from '../state/session.ts'
import { call, confirmed } from './call.ts'
import { problemOf } from './problem.ts'

/** Finds out who is logged in. Without an answer of the server the login is shown, which tells why. */
export const restoreSession = (): Promise<void> =>
  call('showSession').then(
    (session) => {
      ways.value = session.ways
      entered(session.caller)
    },
    (error: unknown) => {
      console.warn(problemOf(error).message)
      signedOut()
    },
  )

/**
 * Logs in by a key or a token, which is sent once and kept nowhere.
 * @throws Problem for a wrong key, and why the server takes no login
 */
export const logIn = async (key: string): Promise<void> =>
  entered(await call('openSession', { key }, { headers: confirmed }))

/**
 * Ends the session on the server. The login is shown only when it has ended: until then a reload is logged in again.
 * @throws Problem why it may go on
 */
export const logOut = (): Promise<void> =>
  call('endSession', {}, { headers: confirmed }).then(signedOut, (error: unknown) => {
    // The server does not know the session any more.
    if (problemOf(error).status !== 401) throw error
  })

const entered = (who: Caller | null): void => {
  caller.value = who
}
