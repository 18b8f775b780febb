import type { CommandDescription } from '../../command.ts'
import { takenGuardFlags } from '../../guard/guard-flags.ts'
import type { Flag } from '../../settings/flags/flag.ts'
import { labelledText, wrapped } from '../../text/wrap.ts'
import { aligned, flagGroups } from './topics.ts'

/** Columns of the help, which is also read in pages and logs. */
const helpWidth = 90

const ends = (name: string) =>
  name === 'help' ? '' : '\nMore: jobsctl help flags (server, output, network), jobsctl help exit-codes\n'

/** The help of one command: a sentence, examples, its flags, and the pages with more. */
export function commandHelp(command: CommandDescription): string {
  const { name, about, examples, flags, operands } = command
  const all = [...flags, ...takenGuardFlags(command)]
  const ordered = ['WHICH JOBS', 'HOW'].flatMap((group) => all.filter((flag) => flag.group === group))
  return [
    wrapped(about, helpWidth).join('\n'),
    '',
    'EXAMPLES',
    ...examples.map((example) => `  ${example}`),
    '',
    'USAGE',
    ...wrapped(`jobsctl ${name}${operands ? ` ${operands}` : ''}${all.length > 0 ? ' [flags]' : ''}`, helpWidth).map(
      (line, at) => `${at === 0 ? '  ' : '    '}${line}`,
    ),
    ...(ordered.length > 0 ? ['', flagGroups(ordered)] : []),
    ...furtherFlags(all),
    ends(name),
  ].join('\n')
}

/** The names of flags that a page of `jobsctl help` explains. */
function furtherFlags(flags: readonly Flag[]): string[] {
  const rows = [...furtherGroups].flatMap(([group, topic]) => {
    const names = flags.filter((flag) => flag.group === group).map(({ flags }) => flags.replace(/ .*/, ''))
    return names.length === 0 ? [] : [[group, `${names.join(' ')} (jobsctl help ${topic})`] as const]
  })
  return rows.length === 0 ? [] : ['', labelledText(rows, helpWidth).trimEnd()]
}

const furtherGroups = new Map([
  ['FILTER', 'filter'],
  ['COURSE', 'flags'],
])

/** The help of the program: the names of the commands in groups. */
export function programHelp(commands: readonly CommandDescription[]): string {
  const names = groupsOf(commands).map(
    ([group, members]) => [group, members.map(({ name }) => name).join(' ')] as const,
  )
  return [
    'Administers job queues in PostgreSQL, by hand or by cron. Every bulk change is previewed first.',
    '',
    'EXAMPLES',
    '  jobsctl stats --domain chatbooks',
    '  jobsctl prune --domain chatbooks --older-than 30d --dry-run',
    '',
    'USAGE',
    '  jobsctl <command> [flags]',
    '',
    labelledText(names, helpWidth),
    'What each does: jobsctl help commands',
    'More: jobsctl <command> --help, jobsctl help flags, jobsctl help environment, jobsctl help exit-codes',
    '',
  ].join('\n')
}

/** The page `jobsctl help commands`: every command with a few words on what it does. */
export const commandList = (commands: readonly CommandDescription[]): string =>
  groupsOf(commands)
    .map(([group, members]) => `${group}\n${aligned(members.map(({ name, summary }) => [name, summary] as const))}\n`)
    .join('\n')

function groupsOf(commands: readonly CommandDescription[]): [CommandDescription['group'], CommandDescription[]][] {
  const groups = [...new Set(commands.map(({ group }) => group))]
  return groups.map((group) => [group, commands.filter((command) => command.group === group)])
}
