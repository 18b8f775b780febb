import { Failure } from '../../shared/errors.ts'
import { openDatabase } from '../database/connection/open.ts'
import { databaseFailure } from '../database/errors/failure.ts'
import { migrate } from '../database/migrate/migrate.ts'
import { readEnv } from '../env.ts'
import { placeOf } from '../place.ts'
import type { Command, CommandOutput } from './command.ts'
import { askRunningServer } from './command-socket.ts'
import { runCommand } from './run-command.ts'

const closeWithinMs = 10_000
const silent = { info: () => {}, warn: () => {}, error: () => {} }

/**
 * Runs a command on the database of the environment. Where a running server has the embedded database open, that server
 * runs the command.
 * @throws Failure
 */
export async function runOnDatabase(environment: NodeJS.ProcessEnv, command: Command): Promise<CommandOutput> {
  const env = readEnv(environment)
  const opened = await openDatabase(env, silent).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'conflict') return undefined
    throw error
  })
  if (!opened) return askRunningServer(env.JOBS_DATA_DIR, command)
  try {
    const pooled = env.JOBS_DB_POOLER
    await opened.withDedicatedPool(async (sql) =>
      migrate({
        sql,
        log: silent,
        schema: await opened.findSchema(sql),
        tablesOnly: true,
        pooled,
        tablesReady: () => {},
      }),
    )
    return await runCommand({ sql: opened.sql, place: await placeOf(env) }, command)
  } catch (error) {
    throw databaseFailure(error) ?? error
  } finally {
    await opened.close(closeWithinMs)
  }
}
