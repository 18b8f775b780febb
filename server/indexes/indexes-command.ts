import { openDatabase } from '../database/connection/open.ts'
import { readMissingIndexes } from '../database/migrate/missing-indexes.ts'
import { type CommandDatabase, silent, withTables } from '../database/with-tables.ts'
import { readEnv } from '../env/env.ts'
import { buildIndex } from './build-index.ts'
import { missingIndexLines } from './missing-index-lines.ts'

/** Says what a command that takes long does now. */
type Say = (line: string) => void

/**
 * The indexes that are missing, with what each serves and costs.
 * @param readable for a person; else a line with tabs for each index
 * @throws Failure
 */
export const planCommand = (environment: NodeJS.ProcessEnv, readable: boolean): Promise<string[]> =>
  onDatabase(environment, async ({ sql }) => missingIndexLines(await readMissingIndexes(sql), readable))

/**
 * Builds one missing index beside readers and writers.
 * @throws Failure
 */
export const buildCommand = (environment: NodeJS.ProcessEnv, name: string, say: Say): Promise<string[]> =>
  onDatabase(environment, ({ sql, schema, env }) => buildIndex(sql, name, { schema, env, say, log: silent }))

/** Runs work on the database of the environment, whose tables are made where they are missing. */
async function onDatabase<Result>(
  environment: NodeJS.ProcessEnv,
  work: (database: CommandDatabase) => Promise<Result>,
): Promise<Result> {
  const env = readEnv(environment)
  return withTables({ opened: await openDatabase(env, silent), env, work })
}
