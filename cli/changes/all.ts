import type { z } from 'zod'
import { cancelBatch } from '../../shared/changes/cancel-batch.ts'
import { edit } from '../../shared/changes/edit.ts'
import type { BulkKind, PlannableKind } from '../../shared/changes/kinds.ts'
import { setPriority } from '../../shared/changes/priority.ts'
import { reclaim } from '../../shared/changes/reclaim.ts'
import { redrive } from '../../shared/changes/redrive.ts'
import { reschedule } from '../../shared/changes/reschedule.ts'
import { retry } from '../../shared/changes/retry.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'
import type { BulkChange } from '../guard/change.ts'
import type { Plan } from '../guard/plan-file.ts'
import { cancelChange } from './cancel.ts'
import { editChange } from './edit.ts'
import {
  type FilteredRequest,
  filteredRequest,
  priorityChange,
  reclaimChange,
  redriveChange,
  rescheduleChange,
  retryChange,
} from './filtered.ts'
import { integrityChange, integrityRequest } from './integrity.ts'
import { pruneChange, pruneRequest } from './prune.ts'
import { requeueChange, requeueRequest } from './requeue.ts'
import { sweepChange, sweepRequest } from './sweep.ts'
import { undoChange, undoRequest } from './undo/undo.ts'

/** A function that takes any kind of change. */
type Use<T> = <In extends z.ZodType, Out extends z.ZodType>(change: BulkChange<In, Out>) => Promise<T>

type OfPlan = <T>(context: Context, plan: Plan, use: Use<T>) => Promise<T>

/** The builder of a change that takes a filter. */
const filtered =
  <Out extends z.ZodType>(
    endpoint: Endpoint,
    change: (request: FilteredRequest, words: readonly string[]) => BulkChange<z.ZodType<unknown, unknown>, Out>,
  ): OfPlan =>
  async (_context, plan, use) =>
    use(
      change(
        onlyRequest(plan, (fields) => filteredRequest(endpoint, fields)),
        plan.words,
      ),
    )

/** The builder of each kind of change that a plan can have. */
const builders: Record<PlannableKind, OfPlan> = {
  prune: async (context, plan, use) => use(pruneChange(context, onlyRequest(plan, pruneRequest), plan.words)),
  sweep: async (_context, plan, use) => use(sweepChange(onlyRequest(plan, sweepRequest), plan.words)),
  requeue: async (_context, plan, use) => use(requeueChange(requestsOf(plan, requeueRequest), plan.words)),
  integrity: async (_context, plan, use) => use(integrityChange(onlyRequest(plan, integrityRequest), plan.words)),
  cancel: filtered(cancelBatch, cancelChange),
  retry: filtered(retry, retryChange),
  redrive: filtered(redrive, redriveChange),
  reclaim: filtered(reclaim, reclaimChange),
  reschedule: filtered(reschedule, rescheduleChange),
  priority: filtered(setPriority, priorityChange),
  edit: filtered(edit, editChange),
  undo: async (context, plan, use) => use(undoChange(context, onlyRequest(plan, undoRequest), plan.words)),
}

const isPlannable = (kind: BulkKind): kind is PlannableKind => Object.hasOwn(builders, kind)

/**
 * Builds the change that a plan describes, and passes it to `use`.
 * @throws Failure `usage` for a plan whose requests the API would reject
 */
export const changeOfPlan: OfPlan = async (context, plan, use) => {
  if (isPlannable(plan.operation)) return builders[plan.operation](context, plan, use)
  throw new Failure('usage', 'the plan is not valid: an erasure has no plan, which would keep what it erases')
}

/** The checked requests of a plan, one for each call. */
function requestsOf<T>({ calls }: Plan, read: (fields: unknown) => T): T[] {
  try {
    return calls.map(({ request }) => read(request))
  } catch (error) {
    throw error instanceof Failure
      ? new Failure('usage', `the plan is not valid: ${error.message}; nothing was changed`)
      : error
  }
}

/** The request of a change that must be one call. */
function onlyRequest<T>(plan: Plan, read: (fields: unknown) => T): T {
  const [only, ...more] = requestsOf(plan, read)
  if (only === undefined || more.length > 0) {
    throw new Failure(
      'usage',
      `the plan is not valid: a ${plan.operation} is one call, and the plan has ${plan.calls.length}; nothing was changed`,
    )
  }
  return only
}
