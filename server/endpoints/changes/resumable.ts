import type { z } from 'zod'
import type { Endpoint } from '../../../shared/endpoint.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import type { Call } from '../../call.ts'
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

/** Makes a change again from its request as it was sent. @throws ZodError for a request that this version does not take */
type Resume = (call: Call, sent: unknown) => Promise<unknown>

const resumable = <In extends z.ZodType, Out extends z.ZodType>(
  { path, input }: Endpoint<In, Out>,
  run: (call: Call, input: z.output<In>) => Promise<z.output<Out>>,
): readonly [string, Resume] => [path, async (call, sent) => run(call, input.parse(sent))]

/** Every bulk change by its path, for a server that goes on with a change that another server has begun. */
export const resumableChanges: ReadonlyMap<string, Resume> = new Map([
  resumable(endpoints.prune, prune),
  resumable(endpoints.sweep, sweep),
  resumable(endpoints.requeue, requeue),
  resumable(endpoints.integrity, integrity),
  resumable(endpoints.cancelBatch, cancelBatch),
  resumable(endpoints.retry, retry),
  resumable(endpoints.reclaim, reclaim),
  resumable(endpoints.reschedule, reschedule),
  resumable(endpoints.rescheduleShift, reschedule),
  resumable(endpoints.setPriority, setPriority),
  resumable(endpoints.undo, undo),
  resumable(endpoints.erase, erase),
])
