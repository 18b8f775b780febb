import { type Right, strictRights } from '../../shared/access/rights.ts'
import { signOnPath } from '../../shared/access/sign-on-path.ts'
import { Failure } from '../../shared/errors.ts'
import type { Caller } from './authenticate.ts'
import { freshSeconds } from './sessions/session-terms.ts'
import { isSingleSignOn } from './single-sign-on-id.ts'

/**
 * Refuses a change that outlives its session, such as a new token, in a session whose login is too long ago: somebody else may sit
 * at the browser by now.
 * @throws Failure `login_too_old`
 */
export function requireFreshLogin({ id, session }: Pick<Caller, 'id' | 'session'>, needs: Right): void {
  if (!session || session.age < freshSeconds || !strictRights.includes(needs)) return
  throw new Failure(
    'login_too_old',
    `the login of the session is more than ${freshSeconds / 60} minutes ago, and the call makes sure that you are there; nothing was changed`,
    {
      hint: `log in again (${isSingleSignOn(id) ? signOnPath : 'POST /api/v1/session'}), then send the call again`,
    },
  )
}
