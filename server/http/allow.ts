import type { MiddlewareHandler } from 'hono'
import type { Endpoint } from '../../shared/endpoint.ts'
import type { Caller } from '../auth/authenticate.ts'
import { requireRight } from '../auth/require-right.ts'
import { requireSameScope, requireServed } from '../auth/require-scope.ts'
import type { RequestContext } from './request/request-context.ts'

/**
 * Lets only callers with a right through, and of callers with a scope only those that the endpoint serves, before anything of the
 * request is read. A call that lasts looks again when it checks its credentials, and ends where the scope has become another.
 * @throws Failure `forbidden`
 */
export const allow =
  ({
    needs,
    needsForOwn,
    scoped,
  }: Pick<Endpoint, 'needs' | 'needsForOwn' | 'scoped'>): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    const first = c.get('caller')
    const requireOne = (caller: Caller) =>
      requireRight(caller, needsForOwn && caller.may.has(needsForOwn) ? needsForOwn : needs)
    requireOne(first)
    requireServed(first, scoped)
    c.set('stillAllowed', async () => {
      const caller = await c.get('authenticateAgain')()
      requireOne(caller)
      requireSameScope(first, caller)
      c.set('caller', caller)
    })
    await next()
  }
