import type { Figure } from '../figure.ts'
import { countsCost } from './counts-cost.ts'
import { emptyQueue } from './empty-queue.ts'
import { health } from './health.ts'
import { integrity } from './integrity.ts'
import { memory } from './memory.ts'
import { oneByOne } from './one-by-one.ts'
import { peers } from './peers.ts'
import { pooling } from './pooler.ts'
import { programs } from './programs.ts'
import { pruning } from './prune.ts'
import { besidePrune } from './prune-beside.ts'
import { stats } from './stats.ts'
import { statsGrowth } from './stats-growth.ts'

/** In the order of the table. */
export const figures: readonly Figure[] = [
  ...[...stats, ...statsGrowth, ...countsCost],
  ...[...pruning, ...besidePrune, ...integrity],
  ...[...peers, ...oneByOne, ...pooling],
  ...[...emptyQueue, ...health, ...programs],
  ...memory,
]
