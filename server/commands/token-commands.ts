import type { Command } from 'commander'
import { Failure } from '../../shared/errors.ts'
import { printOutput } from './print-output.ts'
import { runOnDatabase } from './run-on-database.ts'
import { tokenTable } from './token-table.ts'

/** Adds `token create`, `token list` and `token revoke`. */
export function addTokenCommands(program: Command): void {
  const token = program.command('token').description('bearer tokens of AUTH_MODE=multi_user')
  token
    .command('create <name>')
    .description('make a token and print it; it cannot be printed again')
    .option('--expires <days>', 'days until the token expires, such as 90d (default: never)')
    .action(async (name: string, { expires }: { expires?: string }) =>
      printOutput(await runOnDatabase(process.env, { command: 'create', name: nameOf(name), days: daysOf(expires) })),
    )
  token
    .command('list')
    .description('id, name, created, last used, expires and revoked: a table at a terminal, else tab-separated')
    .action(async () => {
      const { lines, warnings } = await runOnDatabase(process.env, { command: 'list' })
      if (!process.stdout.isTTY) return printOutput({ lines, warnings })
      process.stdout.write(tokenTable(lines))
    })
  token
    .command('revoke <id>')
    .description('revoke a token; it stops working at once')
    .action(async (id: string) => printOutput(await runOnDatabase(process.env, { command: 'revoke', id })))
}

function nameOf(name: string): string {
  if (/^[^\p{Cc}]{1,128}$/u.test(name)) return name
  throw new Failure('usage', 'a name must have 1 to 128 characters and no control characters')
}

function daysOf(expires: string | undefined): number | undefined {
  if (expires === undefined) return undefined
  const days = /^([1-9]\d{0,4})d$/.exec(expires)?.[1]
  if (days) return Number(days)
  throw new Failure('usage', '--expires: must be a number of days, such as 90d')
}
