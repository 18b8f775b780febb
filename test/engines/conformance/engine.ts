import type postgres from 'postgres'
import type { EnginePackage } from '../../../scripts/launch/engine-packages.ts'
import type { World } from '../../support/world.ts'

/** A job to add. It can run at once, or at `due`, once; its handler does what `does` says. */
export interface SampleJob {
  queue: string
  does: 'end' | 'end slowly' | 'fail' | 'fail once'
  due?: Date
}

/** Workers of the engine in a process of their own. */
export interface Workers {
  /** How often each job has begun, by its key. */
  runs: () => Promise<Record<string, number>>
  /** Ends them. */
  kill: () => Promise<void>
}

/** A database with the tables of an engine. Everything that runs on it ends with it. */
export interface SampleDatabase {
  env: Record<string, string>
  /** As a superuser, past all servers. */
  sql: postgres.Sql
  /** Starts a server that may change jobs. */
  serve: () => Promise<World>
  /** Adds jobs as an application does, and returns their keys in the same order. */
  add: (jobs: SampleJob[]) => Promise<string[]>
  /** Starts workers for these queues. */
  work: (queues: readonly string[]) => Promise<Workers>
  /** Makes the tables of the engine in one more schema with an odd name, and returns the name. */
  addSchema?: (jobs: SampleJob[]) => Promise<string>
  close: () => Promise<void>
}

/** What the suite must know of an engine. */
export interface SampleEngine {
  /** As `JOBS_ENGINE` names it. */
  engine: string
  /** The package of the engine; a table of a map has none. */
  name?: EnginePackage['name']
  /** The versions that jobsctl changes. */
  versions: readonly string[]
  /** The schema of its tables. */
  domain: string
  queues: readonly string[]
  open: (version: string) => Promise<SampleDatabase>
  /** The version of the tables, as a query of one row with one column; a table of a map has none. */
  schemaVersion?: string
  /** The table of its jobs, without its schema, and tables that have rows of jobs beside it. */
  table: string
  beside?: readonly string[]
  /** Columns that an undo does not give back: of a prune, and of the other changes. */
  volatile: Record<'prune' | 'others', readonly string[]>
  /** An SQL condition on the table: a job that runs, or that a worker may take. */
  busy: string
  /** Assignments that make ended jobs two days older. */
  age: string
  /** Expressions for the columns of a copy of a job that must not be the same, over `n`, the number of the copy. */
  copy: (version: string) => Record<string, string>
  /** The longest name of a queue that the engine takes, and names that it takes not. */
  longestName?: number
  refusedNames?: RegExp
  /** Why a database cannot have two schemas of it. */
  noSchemas?: string
}
