import * as z from 'zod'
import { failureCodes } from './errors.ts'

/**
 * What jobsctl tells the `jobs-server --once` that it starts, as the first line of its stdin. No argument list and no environment has it,
 * since other users may read those.
 */
export const OnceOrder = z.strictObject({
  /** The connection string, which may have a password. */
  database: z.string().min(1),
  /** The setting that gave it, for errors. */
  from: z.string(),
  /** The key of this run. */
  key: z.string().min(32),
  /** True for a dashboard on a port of this machine, false for calls through a socket. */
  dashboard: z.boolean(),
  /** The profile of the config file that named the database; null where none did. A dashboard shows its name. */
  profile: z.string().nullable(),
  /** True for a log on stderr. */
  log: z.boolean(),
  /** The engine beside whose jobs the tables of records are made first; null to make nothing. */
  makes_records: z.string().nullable(),
  /** A pattern of LIKE: the databases of the cluster with such names are looked at, and nothing is served. Null to serve. */
  databases_like: z.string().nullable(),
})
export type OnceOrder = z.output<typeof OnceOrder>

/** The tables that a change needs beside the jobs of another engine, and that are not there. */
export const LackingRecords = z.object({
  engine: z.string(),
  /** Where they would be made, as a quoted name. */
  schema: z.string(),
  tables: z.number().int(),
})
export type LackingRecords = z.output<typeof LackingRecords>

/** What is reached, and as whom. */
export const OnceReached = z.object({
  /** `user@host/database`. */
  at: z.string(),
  /** The same as a URL without a password. */
  url: z.url(),
  /** The role whose rights hold. */
  role: z.string(),
  /** The path of the socket; null with a dashboard. */
  socket: z.string().nullable(),
  /** The URL that logs a browser in, once; null without a dashboard. */
  login: z.string().nullable(),
  /** Null where nothing is lacking, and where changes are not possible with it either. */
  lacks: LackingRecords.nullable(),
})
export type OnceReached = z.output<typeof OnceReached>

/** A database of a cluster that was looked at. */
export const FoundDatabase = z.object({
  database: z.string(),
  /** Whose jobs it has, as JOBS_ENGINE names them; null where no command would find a queue. */
  engine: z.string().nullable(),
  /** Why no command would find a queue; null where one would. */
  why: z.string().nullable(),
})
export type FoundDatabase = z.output<typeof FoundDatabase>

/** The one line that the server answers on stdout: what it has reached or found, or why it ends. */
export const OnceAnswer = z.union([
  z.object({ reached: OnceReached }),
  z.object({ databases: z.array(FoundDatabase) }),
  z.object({ failed: z.object({ code: z.enum(failureCodes), message: z.string(), hint: z.string().optional() }) }),
])
export type OnceAnswer = z.output<typeof OnceAnswer>
