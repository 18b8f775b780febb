import type { Context } from 'hono'
import type { z } from 'zod'
import type { Endpoint } from '../../../shared/endpoint.ts'
import type { Verb } from '../../../shared/engine/verbs.ts'
import { refuseAgent } from '../../auth/agents/require-agent.ts'
import { requireFreshLogin } from '../../auth/require-fresh-login.ts'
import { requireRight } from '../../auth/require-right.ts'
import type { ServerContext } from '../../call.ts'
import { throwIfFrozen } from '../../database/installation/freeze.ts'
import { requireReach } from '../../endpoints/engine-reach.ts'
import { placeOfCall } from '../../endpoints/placed.ts'
import { type Abilities, askedBy, requireChanges, requireTextIds, requireVerbs } from '../../engines/abilities.ts'
import type { Place } from '../../engines/served.ts'
import { readIdempotencyKey, readReason, requireConfirmation } from '../input.ts'
import { requireStandbyRead } from './read-at.ts'
import type { RequestContext } from './request-context.ts'

/** What is known of a request that may run, beside its input. */
export interface Admitted {
  changing: boolean
  reason: string | undefined
  idempotencyKey: string | undefined
  /** The place of another engine that the call is about; undefined for our own jobs, and for all places together. */
  place: Place | undefined
}

interface Asking {
  asked: readonly Verb[]
  /** The call writes to tables of ours. */
  writes: boolean
}

/**
 * Checks whether the engine whose jobs are served can make a call. It stands behind the checks of rights, which so decide what a caller learns.
 * @throws Failure `not_supported`, `records_missing`
 */
export function requireEngine(c: Context<RequestContext>, engine: Abilities, { asked, writes }: Asking): void {
  requireVerbs(engine, asked)
  requireTextIds(engine, asked, c.req.header('user-agent'))
  // The preview of an erasure counts what records and archive have of the jobs.
  if (writes || asked.includes('erase')) requireChanges(engine)
}

/**
 * Checks whether the caller may make a call with this input now.
 * @throws Failure where a right, a fresh login or the confirmation is missing, where the engine cannot do it or has no records, where the
 *   database is frozen, or for a wrong header
 */
export async function admit<In extends z.ZodType>(
  c: Context<RequestContext>,
  endpoint: Endpoint<In>,
  input: z.output<In>,
  serving: ServerContext,
): Promise<Admitted> {
  const caller = c.get('caller')
  const further = endpoint.needsFor?.(input)
  if (further) requireRight(caller, further)
  const changing = endpoint.changes(input)
  if (changing && !endpoint.byAgents) refuseAgent(caller, 'changes nothing')
  if (endpoint.progress) refuseAgent(caller, 'follows no operation')
  c.set('changing', changing)
  if (serving.standby.isOn()) requireStandbyRead(endpoint)
  const place = await placeOfCall(serving.sql, endpoint, { input, within: caller.within })
  if (place) await requireReach(serving.sql, place, { caller: caller.id, within: caller.within })
  const { sql, abilities } = place ? serving.over(place) : serving
  requireEngine(c, abilities(), {
    asked: askedBy(endpoint.verb, input),
    writes: changing && endpoint.verb !== 'session',
  })
  if (changing) requireFreshLogin(caller, endpoint.needs)
  // A change of many jobs asks when it begins, since a request that is sent again gets its first response.
  if (changing && !endpoint.bulk && !endpoint.whileFrozen) await throwIfFrozen(sql)
  const reason = readReason(c)
  const idempotencyKey = endpoint.bulk ? readIdempotencyKey(c) : undefined
  // A page of another site cannot send the header, so that with the cookie of a session every change needs it. Callers that exist send none for
  // a repair of own jobs alone.
  const unconfirmed = endpoint.unconfirmed && !(endpoint.bulk && abilities().mode !== 'own')
  if (changing && (!unconfirmed || caller.session !== undefined)) requireConfirmation(c)
  return { changing, reason, idempotencyKey, place }
}
