import type { Found } from '../found.ts'

/** What a statement reads of a schema of an engine. */
export interface FoundRow extends Pick<Found, 'tables' | 'queues' | 'schemaName'> {
  version: number
  /** Negative where nobody has counted. */
  jobs: number
  columns: string[]
  /** Absent for an engine with the same indexes in every version. */
  indexes?: string[]
  /** Absent for an engine with the same tables in every version. */
  beside?: string[]
}

/**
 * The place that such a row describes.
 * @param schema as a quoted name
 */
export const foundOf = (
  schema: string,
  { version, tables, queues, schemaName, jobs, columns, indexes = [], beside = [] }: FoundRow,
  releaseOf: (version: number) => string,
): Found => ({
  ...{ schema, schemaName, version, tables, queues },
  domain: schemaName,
  release: releaseOf(version),
  jobs: jobs < 0 ? undefined : jobs,
  columns: new Set(columns),
  indexes: new Set(indexes),
  beside: new Set(beside),
})
