import type { Figure } from '../figure.ts'
import { editing } from './changes/edit.ts'
import { latencyDuringEventSweep } from './changes/event-sweep-latency.ts'
import { pruning } from './changes/prune.ts'
import { latencyDuringPrune } from './changes/prune-latency.ts'
import { bullMqFigures } from './engines/bullmq.ts'
import { graphileWorkerFigures } from './engines/graphile-worker.ts'
import { mappedFigures } from './engines/mapped.ts'
import { pgBossChanges } from './engines/pg-boss-changes.ts'
import { pgBossReads } from './engines/pg-boss-reads.ts'
import { partitioned } from './partitions.ts'
import { health } from './programs/health.ts'
import { memory } from './programs/memory.ts'
import { programs } from './programs/programs.ts'
import { dashboard } from './reads/dashboard.ts'
import { depths } from './reads/depths.ts'
import { integrity } from './reads/integrity.ts'
import { reads } from './reads/reads.ts'
import { scrape } from './reads/scrape.ts'
import { stats } from './reads/stats.ts'
import { statsGroups } from './reads/stats-groups.ts'
import { statsGrowth } from './reads/stats-growth.ts'
import { allOn } from './work/all-on.ts'
import { batchFloor } from './work/batch-floor.ts'
import { emptyQueue } from './work/empty-queue.ts'
import { moreServers } from './work/more-servers.ts'
import { oneByOne } from './work/one-by-one.ts'
import { peers } from './work/peers.ts'
import { readsBeside } from './work/reads-beside.ts'
import { sdkWorker } from './work/sdk-worker.ts'
import { throttle } from './work/throttle.ts'
import { throttleGate } from './work/throttle-gate.ts'
import { triggersCost } from './work/triggers-cost.ts'

/** All figures, in the order of the table. */
export const figures: readonly Figure[] = [
  ...[...stats, ...statsGroups, ...statsGrowth, ...triggersCost, ...allOn, ...scrape],
  ...[...pruning, ...editing, ...latencyDuringPrune, ...latencyDuringEventSweep, ...integrity, ...partitioned],
  ...[...reads, ...readsBeside, ...depths, ...dashboard],
  ...[...pgBossReads, ...pgBossChanges],
  ...[...bullMqFigures, ...graphileWorkerFigures, ...mappedFigures],
  ...[...peers, ...batchFloor, ...oneByOne, ...moreServers, ...sdkWorker],
  ...[...throttle, ...throttleGate, ...emptyQueue, ...health, ...programs],
  ...memory,
]
