/** One place in which an engine keeps its jobs. */
export interface Found {
  /** The schema, as a quoted name. */
  schema: string
  /** The name of the schema, without quotes. */
  schemaName: string
  /** The domain of its jobs in calls and answers: the name of the schema, or what `JOBS_ENGINE_DOMAIN` says. */
  domain: string
  /** The columns of the table of jobs, which differ from version to version. */
  columns: ReadonlySet<string>
  /** The indexes that every partition has, by what tells them apart in their names, such as `i15`. */
  indexes: ReadonlySet<string>
  /** Which of the tables are there that only some versions have, such as `instance`. */
  beside: ReadonlySet<string>
  /** The version of the tables, as the engine counts it; undefined for a table without versions. */
  version: number | undefined
  /** The release with these tables, such as `12.38` or `newer than 12.38`; the table itself where there are no versions. */
  release: string
  /** How many tables it has. */
  tables: number
  /** About how many jobs there are; undefined where the planner has counted nothing yet. */
  jobs: number | undefined
  /** Undefined where the jobs would have to be read to know. */
  queues: number | undefined
}
