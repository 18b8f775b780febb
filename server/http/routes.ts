import type { Hono } from 'hono'
import * as endpoints from '../../shared/endpoints.ts'
import type { Serving } from '../call.ts'
import { integrity } from '../endpoints/changes/integrity.ts'
import { prune } from '../endpoints/changes/prune.ts'
import { requeue } from '../endpoints/changes/requeue.ts'
import { sweep } from '../endpoints/changes/sweep.ts'
import { undo } from '../endpoints/changes/undo.ts'
import { checkCounts } from '../endpoints/doctor/check-counts.ts'
import { idleIndexes } from '../endpoints/doctor/idle-indexes.ts'
import { storage } from '../endpoints/doctor/storage.ts'
import { controlQueue, queueStatus, stoppedQueues } from '../endpoints/queues/queues.ts'
import { stats } from '../endpoints/queues/stats.ts'
import { events } from '../endpoints/records/events.ts'
import { getOperation, listOperations, verifyOperations } from '../endpoints/records/records.ts'
import { acquire } from '../endpoints/work/acquire.ts'
import { cancelJob } from '../endpoints/work/cancel.ts'
import { enqueueJob, enqueueJobs } from '../endpoints/work/enqueue.ts'
import { completeJob, failJob, finishJobs, releaseJob } from '../endpoints/work/finish.ts'
import { renewJob, renewJobs } from '../endpoints/work/renew.ts'
import { streamEvents } from './event-stream.ts'
import { serve } from './mount.ts'
import type { Vars } from './request-context.ts'

/** The whole API, one line per operation. */
export function routes(app: Hono<Vars>, serving: Serving): void {
  serve(app, serving, endpoints.stats, stats)
  serve(app, serving, endpoints.prune, prune)
  serve(app, serving, endpoints.sweep, sweep)
  serve(app, serving, endpoints.requeue, requeue)
  serve(app, serving, endpoints.integrity, integrity)
  serve(app, serving, endpoints.undo, undo)
  serve(app, serving, endpoints.verifyOperations, verifyOperations)
  serve(app, serving, endpoints.listOperations, listOperations)
  serve(app, serving, endpoints.getOperation, getOperation)
  serve(app, serving, endpoints.storage, storage)
  serve(app, serving, endpoints.checkCounts, checkCounts)
  serve(app, serving, endpoints.idleIndexes, idleIndexes)
  serve(app, serving, endpoints.enqueue, enqueueJob)
  serve(app, serving, endpoints.enqueueBatch, enqueueJobs)
  serve(app, serving, endpoints.acquire, acquire)
  serve(app, serving, endpoints.renew, renewJob)
  serve(app, serving, endpoints.renewMany, renewJobs)
  serve(app, serving, endpoints.complete, completeJob)
  serve(app, serving, endpoints.fail, failJob)
  serve(app, serving, endpoints.release, releaseJob)
  serve(app, serving, endpoints.finishMany, finishJobs)
  serve(app, serving, endpoints.cancel, cancelJob)
  serve(app, serving, endpoints.controlQueue, controlQueue)
  serve(app, serving, endpoints.queueStatus, queueStatus)
  serve(app, serving, endpoints.stoppedQueues, stoppedQueues)
  serve(app, serving, endpoints.events, events)
  app.get(endpoints.eventStream.path, (c) => streamEvents(c, serving))
}
