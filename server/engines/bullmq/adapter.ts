import type { QueueAdapter } from '../adapter.ts'
import type { Found } from '../found.ts'
import { runningWorkers } from '../parts/running-workers.ts'
import { archiveStatements, archiveTable, missingInArchive } from './archive.ts'
import { can } from './can.ts'
import { readChecks } from './checks.ts'
import { controlQueue, queueControls } from './control.ts'
import { failuresIn } from './failures.ts'
import { readFound } from './find.ts'
import { findReasons, readSurroundings } from './flow.ts'
import { history } from './history.ts'
import { hasKey, isNearKey, readKeys } from './key.ts'
import { findLimits, readLimits } from './limits.ts'
import { countAhead, readLine, readSigns } from './line.ts'
import { orderedJobs } from './ordered.ts'
import { hasState, projectionOf, rewritten } from './projection.ts'
import { readGroups, readOldestDue } from './stats.ts'
import { readVanishing } from './vanishing.ts'
import { tested } from './versions.ts'
import { writes } from './writes.ts'

/** A sequence takes the rights of a table: `update` lets a role count it on. */
const rights = ({ schema }: Found, looks: boolean) => {
  const read = {
    job: '',
    job_log: '',
    job_dependency: '',
    dedup: '',
    dedup_next: '',
    meta: '',
    migration: '',
    rate_limit: '',
    scheduler: '',
  }
  const changed = {
    ...read,
    job: ', insert, update, delete',
    job_log: ', insert',
    job_dependency: ', insert, update, delete',
    dedup: ', insert, delete',
    meta: ', insert, update, delete',
    event: ', insert',
    job_seq: ', update',
    event_seq: ', update',
  }
  return Object.entries(looks ? read : changed).map(([table, more]) => ({
    table: `${schema}.${table}`,
    rights: `select${more}`,
  }))
}

/** BullMQ 6 keeps the jobs of all queues in one table, and a queue in no table at all. */
export const bullMq: QueueAdapter = {
  engine: 'bullmq',
  tested,
  can,
  look: readFound,
  projection: (found) => ({ query: projectionOf(found), relation: `${found.schema}.job` }),
  sources: (found) => new Map([['job_queue_controls', queueControls(found)]]),
  hasKey,
  isNearKey,
  hasState,
  keys: readKeys,
  ordered: orderedJobs,
  endedAt: (sql) => sql`jobs.native_ended`,
  alwaysCreated: true,
  failures: failuresIn,
  rewritten,
  groups: readGroups,
  oldestDue: readOldestDue,
  line: readLine,
  signs: readSigns,
  reasons: findReasons,
  queueReasons: findLimits,
  limits: readLimits,
  surroundings: readSurroundings,
  ahead: countAhead,
  // BullMQ writes the name of a worker into its jobs where the application gives it one; all others are one row without a name.
  workers: (sql, _, scope) => runningWorkers(sql, sql`jobs.native_state = 'active'`, scope),
  control: controlQueue,
  checks: readChecks,
  vanishing: readVanishing,
  history,
  rights,
  // The data of jobs that a scheduler makes, or that replace a running one; results in edges and events; deduplication ids.
  elsewhere: ({ schema, beside }) =>
    ['scheduler', 'dedup_next', 'dedup', 'job_dependency', 'event']
      .filter((table) => beside.has(table))
      .map((table) => `${schema}.${table}`),
  writes,
  archive: archiveTable,
  archiveStatements,
  missingInArchive,
}
