import { Failure } from '../../../shared/errors.ts'
import type { Log } from '../../log/log.ts'
import type { Sql } from '../sql.ts'
import { allMigrations } from './migrations.ts'
import { findBuildableIndexes } from './missing-indexes.ts'
import { findPending, isSchemaComplete } from './pending-migrations.ts'
import { listOfObjects } from './schema-diff.ts'

/** The fault of a database in which no server has made anything. */
export const noTables = 'has no tables of jobs-server'

const remedy = 'jobs-server migrate, as the owner of the tables'

/** The migrations without which calls cannot be answered, and that have not run or of which something is missing. */
const findNeeded = async (sql: Sql) =>
  (await findPending(sql, await allMigrations())).filter(({ concurrent }) => !concurrent)

/** Why no call could be answered, as a clause about the database; undefined where calls can. */
export async function schemaFault(sql: Sql): Promise<string | undefined> {
  const migrations = await allMigrations()
  const pending = await findNeeded(sql)
  const unrun = pending.filter(({ missing }) => missing.length === 0).map(({ name }) => name)
  const lost = pending.flatMap(({ missing }) => missing)
  if (unrun.length === migrations.filter(({ concurrent }) => !concurrent).length) return noTables
  if (unrun.length > 0) return `has not run ${unrun.join(', ')}`
  return (await isSchemaComplete(sql)) ? undefined : `lacks ${listOfObjects(lost)}`
}

/**
 * Looks whether the tables are as this version needs them, and makes nothing. Warns about indexes and other objects that are missing.
 * @throws Failure `usage` that says what to type, where no call could be answered
 */
export async function requireSchema(sql: Sql, log: Pick<Log, 'warn'>): Promise<void> {
  const fault = await schemaFault(sql)
  if (fault !== undefined) {
    throw new Failure('usage', `the database ${fault}, and JOBS_MIGRATE=false makes nothing; nothing was started`, {
      hint: `${remedy}; jobs-server migrate --dry-run prints the SQL`,
    })
  }
  const lost = (await findNeeded(sql)).flatMap(({ missing }) => missing)
  if (lost.length > 0) log.warn(`the database lacks ${listOfObjects(lost)}: ${remedy}, makes them`)
  const indexes = (await findBuildableIndexes(sql)).map(({ name }) => name)
  if (indexes.length === 0) return
  log.warn(
    `${indexes.length} indexes are missing, and calls that need them are slow or refused: jobs-server indexes plan lists what each serves and costs`,
    {
      indexes: indexes.join(', '),
    },
  )
}
