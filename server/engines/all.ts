import type { QueueAdapter } from './adapter.ts'
import { bullMq } from './bullmq/adapter.ts'
import { graphileWorker } from './graphile-worker/adapter.ts'
import { pgBoss } from './pg-boss/adapter.ts'

/** Every engine whose jobs jobs-server looks after beside its own. */
export const adapters: readonly QueueAdapter[] = [pgBoss, bullMq, graphileWorker]
