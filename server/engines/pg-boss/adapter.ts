import type { QueueAdapter } from '../adapter.ts'
import { readFound } from './find.ts'
import { projectionOf } from './projection.ts'
import { readGroups } from './stats.ts'
import { tested } from './versions.ts'

/** pg-boss keeps its jobs in one table, with a partition for some queues, and until 11.0 for each queue. */
export const pgBoss: QueueAdapter = {
  engine: 'pg-boss',
  tested,
  look: readFound,
  projection: (found) => ({ query: projectionOf(found), relation: `${found.schema}.job` }),
  groups: readGroups,
}
