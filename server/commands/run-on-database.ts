import { Failure } from '../../shared/errors.ts'
import { openDatabase } from '../database/connection/open.ts'
import { databaseAddressOf } from '../database/installation/installation.ts'
import { warnOfStrangers } from '../database/locks/lock-holders.ts'
import { silent, withTables } from '../database/with-tables.ts'
import { findServed } from '../engines/find-served.ts'
import { needsRecords } from '../engines/make-records.ts'
import { readEnv } from '../env/env.ts'
import type { Command, CommandOutput } from './command.ts'
import { askRunningServer } from './command-socket.ts'
import { runCommand } from './run-command.ts'

/**
 * Runs a command on the database of the environment. Where a running server has the embedded database open, that server
 * runs the command.
 * @throws Failure
 */
export async function runOnDatabase(environment: NodeJS.ProcessEnv, command: Command): Promise<CommandOutput> {
  const env = readEnv(environment)
  warnOfStrangers({ warn: (text) => void process.stderr.write(`jobs-server: ${text}\n`) })
  const opened = await openDatabase(env, silent, { find: findServed }).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'conflict') return undefined
    throw error
  })
  if (!opened) return askRunningServer(env.JOBS_DATA_DIR, command)
  const work = async () => runCommand({ sql: opened.sql, databaseAddress: await databaseAddressOf(env) }, command)
  return withTables({ opened, env, isPrepared: needsRecords, work })
}
