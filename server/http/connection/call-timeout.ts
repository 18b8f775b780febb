import type { MiddlewareHandler } from 'hono'
import { acquire } from '../../../shared/endpoints.ts'
import { inactivityFailure } from '../error-mapping.ts'
import type { RequestContext } from '../request/request-context.ts'
import { startInactivityTimeout } from './inactivity-timeout.ts'

/** A long poll may last this long before it asks the database once more. */
const longestPollMs = 60_000

/**
 * Ends a call after `limitMs` without any sign of progress, so that a database that hangs does not keep its callers
 * waiting. A change that makes progress restarts the time with `alive`.
 * @throws Failure `database_unavailable`, or `outcome_unknown` for a change
 */
export const limitSilence =
  (limitMs: number): MiddlewareHandler<RequestContext> =>
  async (c, next) => {
    const silence = startInactivityTimeout(c.req.path === acquire.path ? limitMs + longestPollMs : limitMs)
    c.set('alive', silence.restart)
    const outcome = await Promise.race([next(), silence.expired])
    silence.end()
    if (outcome === 'silence') throw inactivityFailure(c.get('changing') ?? false)
  }
