import type { MiddlewareHandler } from 'hono'
import type { Right } from '../../shared/access/rights.ts'
import { requireRight } from '../auth/require-right.ts'
import type { RequestContext } from './request-context.ts'

/**
 * Lets only callers with a right through, before anything of the request is read. A call that lasts looks for the right again when
 * it checks its credentials.
 * @throws Failure `forbidden`
 */
export const allow =
  (right: Right): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    requireRight(c.get('caller'), right)
    c.set('stillAllowed', async () => {
      const caller = await c.get('authenticateAgain')()
      requireRight(caller, right)
      c.set('caller', caller)
    })
    await next()
  }
