import { Failure } from '../../../shared/errors.ts'
import type { Log } from '../../log/log.ts'
import type { Sql } from '../sql.ts'
import { allMigrations } from './migrations.ts'
import { findMissingIndexes } from './missing-indexes.ts'
import { findPending, isSchemaComplete } from './pending-migrations.ts'
import { listOfObjects } from './schema-diff.ts'

const remedy = 'jobs-server migrate, as the owner of the tables'

/**
 * Looks whether the tables are as this version needs them, and makes nothing. Warns about indexes and other objects that are missing.
 * @throws Failure `usage` that says what to type, where no call could be answered
 */
export async function requireSchema(sql: Sql, log: Pick<Log, 'warn'>): Promise<void> {
  const pending = (await findPending(sql, await allMigrations())).filter(({ concurrent }) => !concurrent)
  const unrun = pending.filter(({ missing }) => missing.length === 0).map(({ name }) => name)
  const lost = pending.flatMap(({ missing }) => missing)
  if (unrun.length > 0 || !(await isSchemaComplete(sql))) {
    const what = unrun.length > 0 ? `has not run ${unrun.join(', ')}` : `lacks ${listOfObjects(lost)}`
    throw new Failure('usage', `the database ${what}, and JOBS_MIGRATE=false makes nothing; nothing was started`, {
      hint: `${remedy}; jobs-server migrate --dry-run prints the SQL`,
    })
  }
  if (lost.length > 0) log.warn(`the database lacks ${listOfObjects(lost)}: ${remedy}, makes them`)
  const indexes = (await findMissingIndexes(sql)).map(({ name }) => name)
  if (indexes.length === 0) return
  log.warn(
    `${indexes.length} indexes are missing, and calls that need them are slow or refused: ${remedy}, builds them`,
    {
      indexes: indexes.join(', '),
    },
  )
}
