import type { Command } from 'commander'
import { Failure } from '../../shared/errors.ts'
import { maxReasonLength } from '../../shared/headers.ts'
import { printOutput } from './command.ts'
import { operatorName } from './operator.ts'
import { runOnDatabase } from './run-on-database.ts'

/** Adds `freeze` and `thaw`. */
export function addFreezeCommands(program: Command): void {
  program
    .command('freeze')
    .description('refuse changes on all servers of the database until thaw; workers go on')
    .requiredOption('--reason <text>', 'why, for everybody whose change is refused')
    .action(async ({ reason }: { reason: string }) =>
      printOutput(
        await runOnDatabase(process.env, { command: 'freeze', by: operatorName(), reason: reasonOf(reason) }),
      ),
    )
  program
    .command('thaw')
    .description('end the freeze: changes go on')
    .action(async () => printOutput(await runOnDatabase(process.env, { command: 'thaw', by: operatorName() })))
}

function reasonOf(reason: string): string {
  const text = reason.replaceAll(/\p{Cc}/gu, ' ').trim()
  if (text !== '' && [...text].length <= maxReasonLength) return text
  throw new Failure('usage', `--reason: must have 1 to ${maxReasonLength} characters; nothing was changed`)
}
