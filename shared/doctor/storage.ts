import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count } from '../scope.ts'
import { IdleTrigger } from './idle-trigger.ts'

/** A setting that the servers on this database must agree on, and its value on each server. */
const DifferingSetting = z.object({
  setting: z.string(),
  values: z.array(z.object({ server: z.string(), value: z.string() })),
})

const Rights = z.object({
  /** The role of the server, quoted where SQL needs quotes. */
  role: z.string(),
  /** The sessions of the server have the setting `app.is_admin`, with which policies of another program let it work. */
  is_admin: z.boolean(),
  /** Tables whose row level security applies to the role. */
  row_security: z.array(z.string()),
  /** The tables of them without a policy that lets a session with `app.is_admin` insert rows. */
  closed: z.array(z.string()),
  /** Columns, triggers and indexes that the tables lack, because the role may not add them or they are being built. */
  lacks: z.array(z.string()),
  /** Rights on tables that calls need and the role lacks, such as `delete on jobs`. */
  denied: z.array(z.string()).default([]),
})

const Table = z.object({
  table: z.string(),
  /** An estimate from the statistics of PostgreSQL. */
  rows: Count,
  /** The size of the table with its indexes. */
  bytes: Count,
  oldest: z.string().nullable(),
  /** For how many days its rows are kept; absent where that is another field's, or for ever. */
  days: Count.optional(),
  /** When a server last looked for rows whose term is over; absent for rows without a term, and from servers before 0.2. */
  swept_at: z.string().optional(),
})
export type Table = z.output<typeof Table>

/** What is kept of the event log. */
const EventLogPart = z.object({
  /** `steps` of jobs, which have a `job_id`, or `audit`: what operators did. */
  kind: z.enum(['steps', 'audit']),
  /** For how many days the events are kept; null for ever. */
  days: Count.nullable(),
  /** The time of the first event that will be deleted; null where there is none. */
  oldest: z.string().nullable(),
})
export type EventLogPart = z.output<typeof EventLogPart>

/** A freeze of the database, which refuses changes on all of its servers: who ordered it, since when (ISO 8601 in UTC), and why. */
export const Freeze = z.object({ by: z.string(), since: z.string(), reason: z.string() })
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
    archive_before_delete: z.boolean(),
    /** Columns that the archive lacks, because the role of the server may not add them to the table of another role. */
    archive_lacks: z.array(z.string()).default([]),
    /** The longest term, in days, of an operation whose jobs are archived now; at least the setting of this server. */
    archive_days: Count,
    differing_settings: z.array(DifferingSetting).default([]),
    /** Absent from servers of older versions. */
    rights: Rights.optional(),
    /** Absent from servers of older versions. */
    event_log: z.array(EventLogPart).optional(),
    /** Null while changes are allowed; absent from servers of older versions. */
    frozen: Freeze.nullable().optional(),
    /**
     * In which parts the database is another than the one that it remembers, as clauses: it was copied, moved or restored. Absent from
     * servers of older versions.
     */
    cloned: z.array(z.string()).optional(),
    /** What restores and failovers the role of the server would not notice, as clauses; absent from servers of older versions. */
    restores_not_noticed: z.array(z.string()).optional(),
    /**
     * Whether the database remembers which installation it is, so that a copy can be told from it; absent from servers of older versions
     * and where the role may not read it.
     */
    installation_known: z.boolean().optional(),
    /** The triggers of the history that do not fire while it is on; absent from servers of older versions. */
    history_triggers: z.array(IdleTrigger).optional(),
    /** `JOBS_BACKGROUND` of this server; absent from servers of older versions. */
    background: z.boolean().optional(),
    tables: z.array(Table),
  }),
  changes: () => false,
})
