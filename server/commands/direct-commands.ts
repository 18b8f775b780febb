import type { Command } from 'commander'
import { Failure } from '../../shared/errors.ts'
import { printOutput } from './command.ts'
import { operatorName } from './operator.ts'
import { runOnDatabase } from './run-on-database.ts'

/** Adds `direct`. */
export function addDirectCommand(program: Command): void {
  const direct = program
    .command('direct')
    .description('whether jobsctl --db may change jobs while servers work on the database')
  direct
    .command('on')
    .description('allow it: a role with the rights on the database can change jobs past the servers')
    .action(() => set(true))
  direct
    .command('off')
    .description('refuse it, as it is at first, where servers were seen in the last day')
    .action(() => set(false))
}

async function set(on: boolean): Promise<void> {
  if (!process.env.JOBS_DB_URL && !process.env.JOBS_DB_URL_FILE)
    throw new Failure('usage', 'direct is for a PostgreSQL server: the embedded database has one process', {
      hint: 'set JOBS_DB_URL, or JOBS_DB_URL_FILE',
    })
  printOutput(await runOnDatabase(process.env, { command: 'direct', by: operatorName(), on }))
}
