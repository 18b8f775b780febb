import type { QueueAdapter } from '../adapter.ts'
import type { Found } from '../found.ts'
import { archiveStatements, archiveTable, missingInArchive } from './archive.ts'
import { can } from './can.ts'
import { readChecks } from './checks.ts'
import { readCopiesOfOwner } from './copies.ts'
import { failuresIn } from './failures.ts'
import { readFound } from './find.ts'
import { history } from './history.ts'
import { hasKey, isNearKey, readArchivedKeys, readKeys } from './key.ts'
import { readLine, readSigns } from './line.ts'
import { readOldestDue } from './oldest-due.ts'
import { orderedJobs } from './ordered.ts'
import { hasState, isRetrying, projectionOf } from './projection.ts'
import { countAhead, findReasons } from './reasons.ts'
import { readGroups } from './stats.ts'
import { tested } from './versions.ts'
import { readInstances } from './workers.ts'
import { writes } from './writes.ts'

/** A right on the table of jobs alone is enough for its partitions, those included that are made later. */
const rights = ({ schema, beside }: Found, looks: boolean) => [
  { table: `${schema}.job`, rights: looks ? 'select' : 'select, insert, update, delete' },
  ...['queue', 'version', ...beside].map((table) => ({ table: `${schema}.${table}`, rights: 'select' })),
]

/** pg-boss keeps its jobs in one table, with a partition for some queues, and until 11.0 for each queue. */
export const pgBoss: QueueAdapter = {
  engine: 'pg-boss',
  tested,
  can,
  look: readFound,
  projection: (found) => ({ query: projectionOf(found), relation: `${found.schema}.job` }),
  hasKey,
  isNearKey,
  hasState,
  isRetrying,
  keys: readKeys,
  archivedKeys: readArchivedKeys,
  ordered: orderedJobs,
  failures: failuresIn,
  endedAt: (sql) => sql`jobs.native_ended`,
  groups: readGroups,
  oldestDue: readOldestDue,
  line: readLine,
  signs: readSigns,
  reasons: findReasons,
  ahead: countAhead,
  workers: readInstances,
  checks: readChecks,
  history,
  rights,
  // Jobs that are sent again and again have their payload in their schedule.
  elsewhere: ({ schema }) => [`${schema}.schedule`],
  copiesOfOwner: readCopiesOfOwner,
  writes,
  archive: archiveTable,
  archiveStatements,
  missingInArchive,
}
