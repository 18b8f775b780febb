import type { Bench } from '../bench.ts'
import { payloadBytes } from '../load/worker-pool.ts'
import { connectionsOf } from './connections.ts'
import { memoryOfConnections } from './memory.ts'
import type { Sizes } from './sizes.ts'
import { depths, measuredJobs, relationsOf, rollups, workedDatabase } from './storage.ts'
import { walOfPrune, walOfWork, walWhileIdle } from './wal.ts'

/** Measures what jobs take on the disk, in the WAL, in memory and in connections. docs/deploy/sizing.md is made from it. */
export async function measureSizes(bench: Bench): Promise<Sizes> {
  const sized = await workedDatabase(bench)
  const { sql } = sized
  const [{ version, events }] = await sql<[{ version: string; events: number }]>`
    select current_setting('server_version') as version, count(*)::float8 as events from job_events where job_id is not null`
  const live = await relationsOf(sql, ['jobs', 'job_events'])
  const connections = await connectionsOf(sized)
  bench.logProgress('   WAL: enqueue, acquire and finish')
  const work = await walOfWork(sized)
  bench.logProgress('   WAL: a minute without calls')
  const idleWalPerMinute = await walWhileIdle(sized)
  bench.logProgress('   WAL: prune')
  const wal = [...work, ...(await walOfPrune(sized))]
  const relations = [
    ...live,
    ...(await relationsOf(sql, ['jobs_archive'])),
    ...(await rollups(sql)),
    ...(await depths(sql)),
  ]
  const memory = await memoryOfConnections(bench)
  return {
    ...{
      node: process.version,
      postgres: version,
      jobs: measuredJobs,
      payloadBytes,
      eventsPerJob: events / measuredJobs,
    },
    ...{ relations, wal, idleWalPerMinute, memory, connections },
  }
}
