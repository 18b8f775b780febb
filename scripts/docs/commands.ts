import { commands } from '../../cli/commands/all.ts'
import { commandHelp } from '../../cli/commands/help/help-text.ts'
import type { CommandSpec } from '../../cli/context.ts'
import { globalFlags } from '../../cli/settings/flags/global-flags.ts'
import { block, code, page, table } from './markdown.ts'

/** One page a command, and their index, by path below `folder`. */
export const commandPages = (folder: string): Record<string, string> => ({
  [`${folder}/README.md`]: index(),
  ...Object.fromEntries(commands.map((command) => [`${folder}/${command.name}.md`, commandPage(command)])),
})

const index = (): string =>
  page(
    'Commands of jobsctl',
    'Each page has the text of `jobsctl <command> --help`. Flags may stand before or after the command.',
    table(
      ['command', 'group', 'what the command does'],
      commands.map(({ name, group, summary }) => [`[${code(name)}](${name}.md)`, group, summary]),
    ),
    '## Flags of every command',
    table(
      ['flag', 'variable', 'meaning'],
      globalFlags.map(({ flags, variables = '', about }) => [code(flags), code(variables), about]),
    ),
  )

const commandPage = (command: CommandSpec): string =>
  page(
    `jobsctl ${command.name}`,
    block(commandHelp(command)),
    [
      'See also: [all commands and the flags of every command](README.md), [exit codes](../../operate/exit-codes.md)',
      ...(command.changes ? ['[how a change is previewed and confirmed](../../operate/changes.md)'] : []),
    ]
      .join(', ')
      .concat('.'),
  )
