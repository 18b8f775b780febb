import type { StoppedQueue } from '../../../shared/queues/queues.ts'
import type { LiveGroup, RunningChange } from '../../../shared/queues/stats-stream.ts'
import type { Acting } from '../../call.ts'
import { hasSafeId } from '../../database/planner-hints.ts'
import { isRecordWithin } from '../../database/scope-of-record.ts'
import type { Pool, Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { groupKey } from './fold-groups.ts'
import { stoppedQueues } from './queues.ts'
import { type DueGroup, statsWithOldest } from './stats.ts'
import { type EventPosition, type Flows, flows } from './stats-flow.ts'

/** The live counts of all groups at one moment. */
export interface LiveStats {
  as_of: string
  /** By `groupKey`. A group that has not changed is the same object as in the read before. */
  groups: ReadonlyMap<string, LiveGroup>
  stopped: readonly StoppedQueue[]
  operations: readonly RunningChange[]
  position: EventPosition
}

interface LiveCall {
  sql: Pool
  within: Acting['within']
}

/**
 * Reads all counts within the scope of the caller in one snapshot, so that the jobs of a group and its events show the same transactions. `before` is the
 * result of the read before.
 */
export const readLiveStats = ({ sql, within }: LiveCall, before: LiveStats | undefined): Promise<LiveStats> =>
  sql.begin('isolation level repeatable read read only', async (tx) => {
    await tx`select ${limitReadTime(tx)}`
    const { as_of, position } = await readPosition(tx, before?.position)
    const [counts, flow, stopped, operations] = await Promise.all([
      statsWithOldest({ sql: tx, within }, {}),
      flows({ sql: tx, within }, before?.position, position),
      stoppedQueues({ sql: tx, within }),
      runningChanges(tx, within),
    ])
    return { as_of, groups: groupsOf(counts, { before, flow }), stopped, operations, position }
  })

interface Known {
  before: LiveStats | undefined
  flow: Flows
}

function groupsOf(counts: readonly DueGroup[], { before, flow }: Known): Map<string, LiveGroup> {
  const groups = new Map<string, LiveGroup>()
  for (const count of counts) {
    const key = groupKey(count)
    const known = before?.groups.get(key)
    const moved = flow.of(key, liveOf(count) - (known ? liveOf(known) : 0))
    const { domain, queue, job_type, queued, scheduled, processing, quarantined, oldest_due, failed, unmapped } = count
    const group: LiveGroup = {
      domain,
      queue,
      job_type,
      queued,
      scheduled,
      processing,
      quarantined,
      oldest_due,
      entered: (known?.entered ?? 0) + moved.entered,
      ended: (known?.ended ?? 0) + moved.ended,
      untold: (known?.untold ?? 0) + moved.untold,
    }
    if (failed !== undefined) group.failed = failed
    if (unmapped !== undefined) group.unmapped = unmapped
    groups.set(key, known && isSame(known, group) ? known : group)
  }
  return groups
}

const liveOf = ({ queued, scheduled, processing }: Pick<LiveGroup, 'queued' | 'scheduled' | 'processing'>): number =>
  queued + scheduled + processing

const changing = [
  'queued',
  'scheduled',
  'processing',
  'quarantined',
  'failed',
  'unmapped',
  'oldest_due',
  'entered',
  'ended',
  'untold',
] as const
/** True for two counts of one group that say the same. */
export const isSame = (one: LiveGroup, other: LiveGroup): boolean =>
  changing.every((field) => one[field] === other[field])

async function readPosition(tx: Sql, before: EventPosition | undefined) {
  const [{ as_of, seen, newest }] = await tx<[{ as_of: string; seen: string; newest: number }]>`
    select
      now() as as_of,
      pg_current_snapshot()::text as seen,
      coalesce((select id from job_events where ${hasSafeId(tx)} order by id desc limit 1), 0) as newest`
  return { as_of, position: { seen, newest, floor: Math.min(newest, before?.newest ?? newest) } }
}

/** The most running operations of a frame; each of them changes jobs, so that there are never many. */
const mostOperations = 100

/** The changes within the scope of a caller that run now. */
export const runningChanges = (tx: Sql, within: Acting['within']) => tx<RunningChange[]>`
  select id, kind, domain, queue, job_type, caller, reason, affected, previewed, started_at
  from job_operations
  where state = 'running' ${isRecordWithin(tx, within)}
  order by id
  limit ${mostOperations}`
