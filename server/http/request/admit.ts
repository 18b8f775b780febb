import type { Context } from 'hono'
import type { z } from 'zod'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { requireFreshLogin } from '../../auth/require-fresh-login.ts'
import { requireRight } from '../../auth/require-right.ts'
import { throwIfFrozen } from '../../database/installation/freeze.ts'
import type { Sql } from '../../database/sql.ts'
import { readIdempotencyKey, readReason, requireConfirmation } from '../input.ts'
import type { RequestContext } from './request-context.ts'

/** What is known of a request that may run, beside its input. */
export interface Admitted {
  changing: boolean
  reason: string | undefined
  idempotencyKey: string | undefined
}

/**
 * Checks whether the caller may make a call with this input now.
 * @throws Failure where a right, a fresh login or the confirmation is missing, where the database is frozen, or for a wrong header
 */
export async function admit<In extends z.ZodType>(
  c: Context<RequestContext>,
  endpoint: Endpoint<In>,
  input: z.output<In>,
  sql: Sql,
): Promise<Admitted> {
  const caller = c.get('caller')
  const further = endpoint.needsFor?.(input)
  if (further) requireRight(caller, further)
  const changing = endpoint.changes(input)
  c.set('changing', changing)
  if (changing) requireFreshLogin(caller, endpoint.needs)
  // A change of many jobs asks when it begins, since a request that is sent again gets its first response.
  if (changing && !endpoint.bulk && !endpoint.whileFrozen) await throwIfFrozen(sql)
  const reason = readReason(c)
  const idempotencyKey = endpoint.bulk ? readIdempotencyKey(c) : undefined
  // A page of another site cannot send the header, so that with the cookie of a session every change needs it.
  if (changing && (!endpoint.unconfirmed || caller.session !== undefined)) requireConfirmation(c)
  return { changing, reason, idempotencyKey }
}
