import type { QueueAdapter } from '../adapter.ts'
import type { Found } from '../found.ts'
import { runningWorkers } from '../parts/running-workers.ts'
import { archiveStatements, archiveTable, missingInArchive } from './archive.ts'
import { can } from './can.ts'
import { readChecks } from './checks.ts'
import { failuresIn } from './failures.ts'
import { readFound } from './find.ts'
import { history } from './history.ts'
import { hasKey, isNearKey, readArchivedKeys, readKeys } from './key.ts'
import { readLine, readSigns } from './line.ts'
import { orderedJobs } from './ordered.ts'
import { hasState, projectionOf } from './projection.ts'
import { countAhead, findQueueReasons, findReasons } from './reasons.ts'
import { readGroups, readOldestDue } from './stats.ts'
import { tested } from './versions.ts'
import { writes } from './writes.ts'

/** Its functions run with the rights of their caller, who needs those of the tables. */
const rights = ({ schema }: Found, looks: boolean) => [
  { table: `${schema}._private_jobs`, rights: looks ? 'select' : 'select, insert, update, delete' },
  // force_unlock_workers unlocks the queues of a pool, too.
  { table: `${schema}._private_job_queues`, rights: looks ? 'select' : 'select, update' },
  ...['_private_tasks', 'migrations'].map((table) => ({
    table: `${schema}.${table}`,
    rights: 'select',
  })),
]

/** graphile-worker keeps jobs that wait, run or are dead in one table, and deletes a job when it is completed. */
export const graphileWorker: QueueAdapter = {
  engine: 'graphile-worker',
  tested,
  can,
  look: readFound,
  projection: (found) => ({ query: projectionOf(found), relation: `${found.schema}._private_jobs` }),
  hasKey,
  isNearKey,
  hasState,
  keys: readKeys,
  archivedKeys: readArchivedKeys,
  ordered: orderedJobs,
  endedAt: (sql) => sql`jobs.native_ended`,
  alwaysCreated: true,
  failures: failuresIn,
  groups: readGroups,
  countsByPass: true,
  oldestDue: readOldestDue,
  line: readLine,
  signs: readSigns,
  reasons: findReasons,
  queueReasons: findQueueReasons,
  ahead: countAhead,
  // From 0.17 on a pool, which is a process with its workers; before, each worker.
  workers: (sql, _, scope) => runningWorkers(sql, sql`jobs.native_locked_at is not null`, scope),
  checks: readChecks,
  history,
  rights,
  furtherGrants: (role) => [
    `-- Row-level security without a policy hides every job; as a superuser, or in its place as the owner: grant <owner> to ${role};`,
    `alter role ${role} bypassrls;`,
  ],
  writes,
  archive: archiveTable,
  archiveStatements,
  missingInArchive,
}
