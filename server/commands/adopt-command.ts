import type { Command } from 'commander'
import { Failure } from '../../shared/errors.ts'
import { printOutput } from './command.ts'
import { operatorName } from './operator.ts'
import { runOnDatabase } from './run-on-database.ts'

/** Adds `adopt-database`. */
export function addAdoptCommand(program: Command): void {
  program
    .command('adopt-database')
    .description('say what a restored or copied database is, so that the work in the background goes on')
    .option('--same', 'it is the installation that it was, moved, renamed or restored')
    .option('--clone', 'it is another installation: revoke all tokens, end running changes, move the ids of events on')
    .action(async ({ same = false, clone = false }: { same?: boolean; clone?: boolean }) => {
      if (same === clone)
        throw new Failure('usage', 'say either --same or --clone; nothing was changed', {
          hint: 'jobs-server adopt-database --help',
        })
      const as = clone ? 'clone' : 'same'
      printOutput(await runOnDatabase(process.env, { command: 'adopt', by: operatorName(), as }))
    })
}
