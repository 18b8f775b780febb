import type { BulkName } from '../../../shared/changes/kinds.ts'
import type { Call } from '../../call.ts'
import { type Handler, type Handlers, handledEndpoints, type TypedEndpoint } from '../handlers.ts'
import { cancelBatch } from './cancel-batch.ts'
import { erase } from './erase.ts'
import { integrity } from './integrity.ts'
import { setPriority } from './priority.ts'
import { prune } from './prune.ts'
import { reclaim } from './reclaim.ts'
import { requeue } from './requeue.ts'
import { reschedule } from './reschedule.ts'
import { retry } from './retry.ts'
import { sweep } from './sweep.ts'
import { undo } from './undo.ts'

/** The handlers of the changes of many jobs; a change without one does not compile. */
export const bulkHandlers: Pick<Handlers, BulkName> = {
  prune,
  sweep,
  requeue,
  integrity,
  cancelBatch,
  retry,
  reclaim,
  reschedule,
  rescheduleShift: reschedule,
  setPriority,
  undo,
  erase,
}

/** Makes a change again from its request as it was sent. @throws ZodError for a request that this version does not take */
type Resume = (call: Call, sent: unknown) => Promise<unknown>

const resumable = <In, Out>(
  { path, input }: TypedEndpoint<In, Out>,
  run: Handler<In, Out>,
): readonly [string, Resume] => [path, async (call, sent) => run(call, input.parse(sent))]

const isBulk = (name: string): name is BulkName => Object.hasOwn(bulkHandlers, name)

/** Every bulk change by its path, for a server that goes on with a change that another server has begun. */
export const resumableChanges: ReadonlyMap<string, Resume> = new Map(
  Object.keys(bulkHandlers)
    .filter(isBulk)
    .map(<N extends BulkName>(name: N) => resumable(handledEndpoints[name], bulkHandlers[name])),
)
