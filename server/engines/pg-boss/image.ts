/** The columns of pg-boss that a change may overwrite. An undo gives them back. */
const changed = [
  ...['state', 'priority', 'retry_limit', 'retry_count', 'start_after', 'started_on', 'completed_on', 'keep_until'],
  ...['deletion_seconds', 'heartbeat_on', 'upsert_by_key'],
]

/**
 * Columns that decide when pg-boss deletes a job. A change moves them so that the job is still there when it is needed, and an undo leaves
 * them so: a job differs in them from its image, and is the same.
 */
const termsOfJob = ['keep_until', 'deletion_seconds']

/** The columns of an image in a version of pg-boss, by their names. */
export const imageColumns = (columns: ReadonlySet<string>): string[] => changed.filter((name) => columns.has(name))

/** An SQL expression of type jsonb: the columns of an image of a row of `job`, beside the key by which an undo finds the row. */
export const imageOf = (row: string, columns: ReadonlySet<string>): string =>
  `pg_catalog.jsonb_build_object('queue', ${row}.name, 'native_id', ${row}.id, ${imageColumns(columns)
    .map((name) => `'${name}', ${row}.${name}`)
    .join(', ')})`

/** An SQL expression: an image without the columns in which a job may differ from it and is the same. */
export const comparable = (image: string): string => `(${image} - '{${termsOfJob.join(',')}}'::text[])`
