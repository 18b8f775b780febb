import type { Hono } from 'hono'
import * as ops from '../shared/operations.ts'
import { streamEvents } from './event-stream.ts'
import { acquire } from './operations/acquire.ts'
import type { Serving } from './operations/call.ts'
import { cancelJob } from './operations/cancel.ts'
import { checkCounts } from './operations/check-counts.ts'
import { enqueueJob, enqueueJobs } from './operations/enqueue.ts'
import { events } from './operations/events.ts'
import { completeJob, failJob, finishJobs, releaseJob } from './operations/finish.ts'
import { idleIndexes } from './operations/idle-indexes.ts'
import { integrity } from './operations/integrity.ts'
import { prune } from './operations/prune.ts'
import { controlQueue, queueStatus, stoppedQueues } from './operations/queues.ts'
import { getOperation, listOperations, storage, verifyOperations } from './operations/records.ts'
import { renewJob, renewJobs } from './operations/renew.ts'
import { requeue } from './operations/requeue.ts'
import { stats } from './operations/stats.ts'
import { sweep } from './operations/sweep.ts'
import { undo } from './operations/undo.ts'
import { serve } from './serve.ts'
import type { Vars } from './vars.ts'

/** The whole API, one line per operation. */
export function routes(app: Hono<Vars>, serving: Serving): void {
  serve(app, serving, ops.stats, stats)
  serve(app, serving, ops.prune, prune)
  serve(app, serving, ops.sweep, sweep)
  serve(app, serving, ops.requeue, requeue)
  serve(app, serving, ops.integrity, integrity)
  serve(app, serving, ops.undo, undo)
  serve(app, serving, ops.verifyOperations, verifyOperations)
  serve(app, serving, ops.listOperations, listOperations)
  serve(app, serving, ops.getOperation, getOperation)
  serve(app, serving, ops.storage, storage)
  serve(app, serving, ops.checkCounts, checkCounts)
  serve(app, serving, ops.idleIndexes, idleIndexes)
  serve(app, serving, ops.enqueue, enqueueJob)
  serve(app, serving, ops.enqueueBatch, enqueueJobs)
  serve(app, serving, ops.acquire, acquire)
  serve(app, serving, ops.renew, renewJob)
  serve(app, serving, ops.renewMany, renewJobs)
  serve(app, serving, ops.complete, completeJob)
  serve(app, serving, ops.fail, failJob)
  serve(app, serving, ops.release, releaseJob)
  serve(app, serving, ops.finishMany, finishJobs)
  serve(app, serving, ops.cancel, cancelJob)
  serve(app, serving, ops.controlQueue, controlQueue)
  serve(app, serving, ops.queueStatus, queueStatus)
  serve(app, serving, ops.stoppedQueues, stoppedQueues)
  serve(app, serving, ops.events, events)
  app.get(ops.eventStream.path, (c) => streamEvents(c, serving))
}
