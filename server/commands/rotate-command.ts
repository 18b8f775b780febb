import type { Command } from 'commander'
import { printOutput } from './command.ts'
import { operatorName } from './operator.ts'
import { runOnDatabase } from './run-on-database.ts'

/** Adds `rotate preview-key`. */
export function addRotateCommand(program: Command): void {
  program
    .command('rotate')
    .description('make a new secret of the database')
    .command('preview-key')
    .description('the key that signs previews; what the key before it has signed is taken for eight days')
    .option('--at-once', 'what the key before it has signed is void, plans, too: for a key that has leaked')
    .action(async ({ atOnce = false }: { atOnce?: boolean }) =>
      printOutput(
        await runOnDatabase(process.env, { command: 'rotate-preview-key', by: operatorName(), at_once: atOnce }),
      ),
    )
}
