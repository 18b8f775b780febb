import type { z } from 'zod'
import { Failure } from '../../shared/errors.ts'
import type { BulkKind } from '../../shared/records/records.ts'
import type { Context } from '../context.ts'
import type { BulkChange } from '../guard/change.ts'
import type { Plan } from '../guard/plan-file.ts'
import { integrityChange, integrityRequest } from './integrity.ts'
import { pruneChange, pruneRequest } from './prune.ts'
import { requeueChange, requeueRequest } from './requeue.ts'
import { sweepChange, sweepRequest } from './sweep.ts'
import { undoChange, undoRequest } from './undo.ts'

/** What is done with a change, whatever it is. */
type Use<T> = <In extends z.ZodType, Out extends z.ZodType>(change: BulkChange<In, Out>) => Promise<T>

/** Makes the change of a plan again from its calls, and hands it on. */
export type OfPlan = <T>(context: Context, plan: Plan, use: Use<T>) => Promise<T>

/**
 * By the operation that a plan names.
 * @throws Failure `usage` for requests that are none
 */
export const changeOfPlan: Record<BulkKind, OfPlan> = {
  prune: async (context, plan, use) => use(pruneChange(context, onlyRequest(plan, pruneRequest), plan.words)),
  sweep: async (_context, plan, use) => use(sweepChange(onlyRequest(plan, sweepRequest), plan.words)),
  requeue: async (_context, plan, use) => use(requeueChange(requestsOf(plan, requeueRequest), plan.words)),
  integrity: async (_context, plan, use) => use(integrityChange(onlyRequest(plan, integrityRequest), plan.words)),
  undo: async (context, plan, use) => use(undoChange(context, onlyRequest(plan, undoRequest), plan.words)),
}

/** Every call as the contract has it. */
function requestsOf<T>({ calls }: Plan, read: (fields: unknown) => T): T[] {
  try {
    return calls.map(({ request }) => read(request))
  } catch (error) {
    throw error instanceof Failure ? new Failure('usage', `the plan is not right: ${error.message}`) : error
  }
}

/** A change that is one call. */
function onlyRequest<T>(plan: Plan, read: (fields: unknown) => T): T {
  const [only, ...more] = requestsOf(plan, read)
  if (only === undefined || more.length > 0) {
    throw new Failure(
      'usage',
      `the plan is not right: a ${plan.operation} is one call, and it has ${plan.calls.length}`,
    )
  }
  return only
}
