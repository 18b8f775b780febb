import type { CommandDescription } from '../../command.ts'
import { commandsHere } from '../../command-line/commands-here.ts'
import { namesOf, readWords, type Use } from '../../command-line/words.ts'
import type { Context } from '../../context.ts'
import { takenGuardFlags } from '../../guard/guard-flags.ts'
import type { Flag } from '../../settings/flags/flag.ts'
import { globalFlags } from '../../settings/flags/global-flags.ts'
import type { Line } from './bash-line.ts'
import { lacksAt } from './live-names.ts'
import { operandValues } from './operand-values.ts'
import { type Candidate, flagValues, type Values } from './values.ts'

/** How a command line can go on: words that begin with the one that is being typed, or the names of files. */
export async function candidatesFor(context: Context, { before, current }: Line): Promise<Values> {
  const { command, plain, uses } = readWords(context.commands, before)
  const operands = plain.slice(1).flatMap((at) => before[at] ?? [])
  const typed = { context, command, uses, operands }
  const open = uses.find(({ value }) => value === undefined)
  if (open) return starting(await valuesOf(open.flag, current, typed), current)
  if (before.includes('--')) return []
  const [, prefix = '', name = '', value = ''] = /^((--[\w-]+)=)(.*)$/s.exec(current) ?? []
  const inline = flagsOf(command).find(({ flags }) => namesOf(flags).includes(name))
  if (inline) return starting(prefixed(await valuesOf(inline, value, typed), prefix), current)
  if (current.startsWith('-')) return starting(flagNames(typed), current)
  if (command === undefined) return starting(await commandNames(typed), current)
  const at = plain.length - 1
  return starting(await operandValues({ ...typed, command, at }), current)
}

interface Typed {
  context: Context
  command: CommandDescription | undefined
  uses: readonly Use[]
  /** The words beside the verb and the flags. */
  operands: readonly string[]
}

const starting = (values: Values, current: string): Values =>
  values === 'files' ? values : values.filter(({ value }) => value.startsWith(current) && value !== '')

const prefixed = (values: Values, prefix: string): Values =>
  values === 'files' ? values : values.map(({ value, about }) => ({ value: prefix + value, about }))

/** The values of a flag. In a list, only the item behind the last comma is completed. */
async function valuesOf(flag: Flag, typed: string, { context, ...line }: Typed): Promise<Values> {
  const values = await flagValues(flag, { context, ...line })
  const head = isList(flag) ? typed.slice(0, typed.lastIndexOf(',') + 1) : ''
  if (head === '' || values === 'files') return values
  const named = head.split(',')
  return prefixed(
    values.filter(({ value }) => !named.includes(value)),
    head,
  )
}

const isList = ({ flags, many }: Flag): boolean => many === 'list' || /<(states|names)>/.test(flags)

const helpFlag: Flag = { flags: '-h, --help', about: 'what the command does', group: 'HOW' }
const versionFlag: Flag = { flags: '-V, --version', about: 'the version of jobsctl', group: 'HOW' }

const flagsOf = (command: CommandDescription | undefined): readonly Flag[] => [
  ...(command ? [...command.flags, ...takenGuardFlags(command)] : [versionFlag]),
  ...globalFlags,
  helpFlag,
]

/** The long names of the flags that are not given yet. */
function flagNames({ command, uses }: Typed): Candidate[] {
  const open = flagsOf(command).filter((flag) => flag.many || !uses.some((use) => use.flag.flags === flag.flags))
  return open.map(({ flags, about }) => ({ value: namesOf(flags).at(-1) ?? '', about }))
}

const commandNames = async ({ context, uses }: Typed): Promise<Candidate[]> =>
  commandsHere(context.commands, await lacksAt({ context, uses })).map(({ name, summary }) => ({
    value: name,
    about: summary,
  }))
