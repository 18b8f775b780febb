import type { Hono } from 'hono'
import * as ops from '../shared/operations.ts'
import { integrity } from './operations/integrity.ts'
import { prune } from './operations/prune.ts'
import { requeue } from './operations/requeue.ts'
import { stats } from './operations/stats.ts'
import { sweep } from './operations/sweep.ts'
import { type Serving, serve } from './serve.ts'
import type { Vars } from './vars.ts'

/** The whole API, one line per operation. */
export function routes(app: Hono<Vars>, serving: Serving): void {
  serve(app, serving, ops.stats, stats)
  serve(app, serving, ops.prune, prune)
  serve(app, serving, ops.sweep, sweep)
  serve(app, serving, ops.requeue, requeue)
  serve(app, serving, ops.integrity, integrity)
}
