import type { Source } from '../database/connection/qualify.ts'
import type { Sql } from '../database/sql.ts'

/** One place in which an engine keeps its jobs. */
export interface Found {
  /** The schema, as a quoted name. */
  schema: string
  /** The version of the tables, as the engine counts it. */
  version: number
  /** The release with these tables, such as `12.38`; undefined for one that nobody has tried. */
  release: string | undefined
  /** How many tables it has. */
  tables: number
  /** About how many jobs there are; undefined where the planner has counted nothing yet. */
  jobs: number | undefined
  queues: number
}

/** The first and the last version, as the engine counts them. */
type Versions = readonly [first: number, last: number]

/** What jobs-server knows of an engine that runs the jobs of others. It is SQL alone: no HTTP, and no table of ours. */
export interface QueueAdapter {
  /** The name of the engine in JOBS_ENGINE and in answers. */
  engine: 'pg-boss'
  /** The versions on which reads and changes were tried. Outside of `writes` every change is refused. */
  tested: { reads: Versions; writes: Versions }
  /**
   * Reads what a schema has of the engine. Only reads.
   * @param schema as a quoted name, in which `findEngines` has seen the tables
   */
  look: (sql: Sql, schema: string) => Promise<Found>
  /** The jobs of one place, with the columns of our `jobs`. Its rows can be locked: it joins by scalar subselects alone. */
  projection: (found: Found) => Source
}
