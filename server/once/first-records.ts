import { Failure } from '../../shared/errors.ts'
import type { LackingRecords } from '../../shared/once.ts'
import { migrateWith } from '../commands/migrate.ts'
import { tablesOfMigrations } from '../database/migrate/migrations.ts'
import type { Sql } from '../database/sql.ts'
import { abilitiesOf } from '../engines/abilities.ts'
import { keptOut } from '../engines/empty-tables.ts'
import { adminSchema } from '../engines/find-served.ts'
import { archivesOf, engineNames, servedBy } from '../engines/served.ts'
import { Env } from '../env/env.ts'

/** What the first change needs beside the jobs of another engine; undefined where nothing is lacking, and where no change is possible. */
export async function lackingRecords(sql: Sql): Promise<LackingRecords | undefined> {
  const served = servedBy(sql)
  if (served.mode !== 'look') return undefined
  const { changes } = abilitiesOf(served)
  if (changes === true || changes.code !== 'records_missing') return undefined
  const own = (await tablesOfMigrations()).filter((table) => !keptOut.includes(table))
  return {
    engine: engineNames(served),
    schema: adminSchema,
    tables: own.length + archivesOf(served.places).length,
  }
}

/**
 * Makes the tables of records and the archive beside the jobs of an engine, as `jobs-server migrate --engine` does.
 * @throws Failure `usage` for an engine that is not known, and for a role that may not make them
 */
export async function makeRecordsFor(engine: string, env: Env): Promise<void> {
  const named = Env.shape.JOBS_ENGINE.safeParse(engine)
  if (!named.success) throw new Failure('usage', `the engine ${engine} is not known; nothing was made`)
  await migrateWith({ ...env, JOBS_ENGINE: named.data }, { makes: true })
}
