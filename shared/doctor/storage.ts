import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant } from '../scope.ts'
import { KeptCounts } from './counts.ts'
import { IdleTrigger } from './idle-trigger.ts'

/** A setting that the servers on this database must agree on, and its value on each server. */
const DifferingSetting = z.object({
  setting: z.string().describe('The name of the setting.'),
  values: z
    .array(
      z.object({
        server: z.string().describe('The name of the server: host and process id.'),
        value: z.string().describe('The value that this server has.'),
      }),
    )
    .describe('The value on each server.'),
})

const Rights = z.object({
  role: z.string().describe('The role of the server, quoted where SQL needs quotes.'),
  is_admin: z
    .boolean()
    .describe(
      'The sessions of the server have the setting `app.is_admin`, with which policies of another program let it work.',
    ),
  row_security: z.array(z.string()).describe('Tables whose row level security applies to the role.'),
  closed: z
    .array(z.string())
    .describe('The tables of them without a policy that lets a session with `app.is_admin` insert rows.'),
  lacks: z
    .array(z.string())
    .describe(
      'Columns, triggers and indexes that the tables lack, because the role may not add them or they are being built.',
    ),
  denied: z
    .array(z.string())
    .default([])
    .describe('Rights on tables that calls need and the role lacks, such as `delete on jobs`.'),
})

const Table = z.object({
  table: z.string().describe('The name of the table.'),
  rows: Count.describe('An estimate from the statistics of PostgreSQL.'),
  bytes: Count.describe('The size of the table with its indexes.'),
  oldest: Instant.nullable().describe('The time of its oldest row; null for an empty table.'),
  days: Count.optional().describe(
    "For how many days its rows are kept; absent where that is another field's, or for ever.",
  ),
  swept_at: Instant.optional().describe(
    'When a server last looked for rows whose term is over; absent for rows without a term, and from servers before 0.2.',
  ),
})
export type Table = z.output<typeof Table>

/** What is kept of the event log. */
const EventLogPart = z.object({
  kind: z.enum(['steps', 'audit']).describe('`steps` of jobs, which have a `job_id`, or `audit`: what operators did.'),
  days: Count.nullable().describe('For how many days the events are kept; null for ever.'),
  oldest: Instant.nullable().describe('The time of the first event that will be deleted; null where there is none.'),
})
export type EventLogPart = z.output<typeof EventLogPart>

/** A freeze of the database, which refuses changes on all of its servers: who ordered it, since when (ISO 8601 in UTC), and why. */
export const Freeze = z.object({
  by: z.string().describe('Who ordered the freeze.'),
  since: Instant.describe('Since when the database is frozen.'),
  reason: z.string().describe('Why it is frozen.'),
})
export type Freeze = z.output<typeof Freeze>

export const storage = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/storage',
  meaning: 'The size of the jobs and of their history.',
  slow: true,
  needs: 'read',
  scoped: { refused: 'it measures the whole database' },
  verb: 'always',
  input: z.strictObject({}),
  output: z.object({
    archive_before_delete: z
      .boolean()
      .describe('Whether this server archives jobs before it deletes them (`JOBS_ARCHIVE_BEFORE_DELETE`).'),
    archive_lacks: z
      .array(z.string())
      .default([])
      .describe(
        'Columns that the archive lacks, because the role of the server may not add them to the table of another role.',
      ),
    archive_days: Count.describe(
      'The longest term, in days, of an operation whose jobs are archived now; at least the setting of this server.',
    ),
    differing_settings: z
      .array(DifferingSetting)
      .default([])
      .describe('Settings that the servers on this database must agree on, and do not.'),
    rights: Rights.optional().describe('Absent from servers of older versions.'),
    event_log: z.array(EventLogPart).optional().describe('Absent from servers of older versions.'),
    frozen: Freeze.nullable()
      .optional()
      .describe('Null while changes are allowed; absent from servers of older versions.'),
    cloned: z
      .array(z.string())
      .optional()
      .describe(
        'In which parts the database is another than the one that it remembers, as clauses: it was copied, moved or restored. Absent from servers of older versions.',
      ),
    copied: z.boolean().optional().describe('True where `cloned` has a part; absent from servers of older versions.'),
    restores_not_noticed: z
      .array(z.string())
      .optional()
      .describe(
        'What restores and failovers the role of the server would not notice, as clauses; absent from servers of older versions.',
      ),
    installation_known: z
      .boolean()
      .optional()
      .describe(
        'Whether the database remembers which installation it is, so that a copy can be told from it; absent from servers of older versions and where the role may not read it.',
      ),
    counts: KeptCounts.optional().describe(
      'The counts behind the stats, which this call does not compare with the jobs; absent over other engines and from servers of older versions.',
    ),
    history_triggers: z
      .array(IdleTrigger)
      .optional()
      .describe('The triggers of the history that do not fire while it is on; absent from servers of older versions.'),
    background: z
      .boolean()
      .optional()
      .describe('`JOBS_BACKGROUND` of this server; absent from servers of older versions.'),
    replica: z
      .object({
        reads: z.boolean().describe('Whether the replica answers reads now.'),
        why: z.string().nullable().describe('Why it does not, as a clause about it; null where it does.'),
        lag_seconds: z
          .number()
          .nullable()
          .describe('By how many seconds it lags behind the primary; null where that is not known.'),
      })
      .optional()
      .describe('The replica of `JOBS_DB_READ_URL`; absent without one, and from servers of older versions.'),
    tables: z.array(Table).describe('The tables of jobs and of their history, with their sizes.'),
  }),
  changes: () => false,
})
