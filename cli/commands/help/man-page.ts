import { exits } from '../../../shared/exits.ts'
import { version } from '../../../shared/version.ts'
import type { CommandDescription } from '../../command.ts'
import { takenGuardFlags } from '../../guard/guard-flags.ts'
import type { Flag } from '../../settings/flags/flag.ts'
import { globalFlags, guardFlags, secretVariables } from '../../settings/flags/global-flags.ts'

/** Text as roff prints it: a backslash, a hyphen and a leading dot are signs of roff. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll(/^([.'])/gm, '\\&$1')

const title = (name: string): string => `.TH ${roff(name.toUpperCase())} 1 "" "jobsctl ${version}" "jobsctl"`
const section = (name: string, ...lines: string[]): string[] => [`.SH ${name}`, ...lines]

/** A term in bold, and its meaning in an indented paragraph. */
const item = (term: string, meaning: string): string[] => ['.TP', `\\fB${roff(term)}\\fR`, roff(meaning)]

const items = (flags: readonly Flag[]): string[] => flags.flatMap(({ flags, about }) => item(flags, about))

/** Things under the headings of their groups. */
function grouped<T extends { group: string }>(things: readonly T[], lines: (things: T[]) => string[]): string[] {
  const groups = [...new Set(things.map(({ group }) => group))]
  return groups.flatMap((group) => [`.SS ${roff(group)}`, ...lines(things.filter((thing) => thing.group === group))])
}

const examplesOf = (examples: readonly string[]): string[] => ['.nf', ...examples.map(roff), '.fi']

/** The page of one command, `jobsctl-prune(1)`, in roff. */
export function commandPage(command: CommandDescription): string {
  const { name, summary, about, examples, flags, operands } = command
  const all = [...flags, ...takenGuardFlags(command)]
  const usage = [...(operands ? [operands] : []), ...(all.length > 0 ? ['[flags]'] : [])].map(roff)
  return `${[
    title(`jobsctl-${name}`),
    ...section('NAME', `${roff(`jobsctl-${name}`)} \\- ${roff(summary)}`),
    ...section('SYNOPSIS', `\\fBjobsctl ${roff(name)}\\fR ${usage.join(' ')}`.trimEnd()),
    ...section('DESCRIPTION', roff(about)),
    ...section('EXAMPLES', ...examplesOf(examples)),
    ...(all.length > 0 ? section('OPTIONS', ...grouped(all, items)) : []),
    ...section('SEE ALSO', 'jobsctl(1) has the flags of every command, the environment and the exit codes.'),
  ].join('\n')}\n`
}

/** The page of the program, `jobsctl(1)`, in roff. */
export function programPage(commands: readonly CommandDescription[]): string {
  const commandItems = (members: CommandDescription[]) =>
    members.flatMap(({ name, summary }) => item(`jobsctl ${name}`, summary))
  const variables = [
    ...[...globalFlags, ...guardFlags].flatMap(({ flags, variables }) =>
      variables ? item(variables, `as ${flags.replace(/^-\w, /, '')}`) : [],
    ),
    ...secretVariables.flatMap(({ name, about }) => item(name, about)),
  ]
  return `${[
    title('jobsctl'),
    ...section('NAME', 'jobsctl \\- administers job queues in PostgreSQL'),
    ...section('SYNOPSIS', '\\fBjobsctl\\fR <command> [flags]'),
    ...section(
      'DESCRIPTION',
      'Administers job queues in PostgreSQL, by hand or by cron.',
      'Bulk changes are previewed.',
    ),
    ...section(
      'COMMANDS',
      'Each has a page of its own, such as jobsctl\\-prune(1).',
      ...grouped(commands, commandItems),
    ),
    ...section('OPTIONS', 'These flags stand before or after any command.', ...grouped(globalFlags, items)),
    ...section('ENVIRONMENT', ...variables),
    ...section('FILES', ...item('~/.config/jobsctl/config.json', 'profiles; in $XDG_CONFIG_HOME where it is set')),
    ...section('EXIT STATUS', ...Object.values(exits).flatMap(({ code, name, when }) => item(`${code} ${name}`, when))),
  ].join('\n')}\n`
}
