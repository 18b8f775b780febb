import type { Figure } from '../figure.ts'
import { allOn } from './all-on.ts'
import { batchFloor } from './batch-floor.ts'
import { dashboard } from './dashboard.ts'
import { emptyQueue } from './empty-queue.ts'
import { health } from './health.ts'
import { integrity } from './integrity.ts'
import { memory } from './memory.ts'
import { moreServers } from './more-servers.ts'
import { oneByOne } from './one-by-one.ts'
import { peers } from './peers.ts'
import { programs } from './programs.ts'
import { pruning } from './prune.ts'
import { latencyDuringPrune } from './prune-latency.ts'
import { reads } from './reads.ts'
import { readsBeside } from './reads-beside.ts'
import { scrape } from './scrape.ts'
import { sdkWorker } from './sdk-worker.ts'
import { stats } from './stats.ts'
import { statsGroups } from './stats-groups.ts'
import { statsGrowth } from './stats-growth.ts'
import { triggersCost } from './triggers-cost.ts'

/** All figures, in the order of the table. */
export const figures: readonly Figure[] = [
  ...[...stats, ...statsGroups, ...statsGrowth, ...triggersCost, ...allOn, ...scrape],
  ...[...pruning, ...latencyDuringPrune, ...integrity],
  ...[...reads, ...readsBeside, ...dashboard],
  ...[...peers, ...batchFloor, ...oneByOne, ...moreServers, ...sdkWorker],
  ...[...emptyQueue, ...health, ...programs],
  ...memory,
]
