import type { Command } from 'commander'
import { buildCommand, planCommand } from '../indexes/indexes-command.ts'
import { printOutput } from './command.ts'

/** Adds `indexes plan` and `indexes build`. */
export function addIndexCommands(program: Command): void {
  const indexes = program
    .command('indexes')
    .description('indexes of large tables, which the server leaves to the operator')
  indexes
    .command('plan')
    .description('the indexes that are missing: what each serves, and what a build would cost')
    .action(async () =>
      printOutput({ lines: await planCommand(process.env, Boolean(process.stdout.isTTY)), warnings: [] }),
    )
  indexes
    .command('build <name>')
    .description('build one missing index beside readers and writers')
    .action(async (name: string) => {
      const say = (line: string) => void process.stderr.write(`${line}\n`)
      printOutput({ lines: await buildCommand(process.env, name, say), warnings: [] })
    })
}
