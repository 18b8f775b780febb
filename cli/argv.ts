import { Failure } from '../shared/errors.ts'
import type { CommandSpec } from './command.ts'
import { commands } from './commands/all.ts'
import type { Flag } from './settings/flag.ts'
import { globalFlags, guardFlags } from './settings/global-flags.ts'

/** The flags that take a value, by their names. */
type Table = ReadonlyMap<string, Flag>

/** `-o, --output <format>` as its names. */
const namesOf = (spelling: string) => spelling.split(/[ ,]+/).filter((word) => word.startsWith('-'))

const entriesOf = (flags: readonly Flag[]) =>
  flags.flatMap((flag) => namesOf(flag.flags).map((name) => [name, flag] as const))

/** The flags of all commands; a flag that `command` defines is read as that command defines it. */
function tableFor(command?: CommandSpec): Table {
  const all = entriesOf([...commands.flatMap(({ flags }) => flags), ...globalFlags, ...guardFlags])
  const own = entriesOf(command?.flags ?? [])
  return new Map([...new Map([...all, ...own])].filter(([, flag]) => flag.flags.includes('<')))
}

/** One use of a flag that takes a value; `inline` is true for `--flag=value`. */
interface Use {
  name: string
  flag: Flag
  value: string | undefined
  inline: boolean
}

/** The index of the verb, or -1, and every use of a flag with a value. */
function parseWords(table: Table, argv: readonly string[]): { verb: number; uses: Use[] } {
  const uses: Use[] = []
  let verb = -1
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--') break
    const [name = '', inline] = word.startsWith('--') ? word.split(/=(.*)/s) : ofLetters(word, table)
    const flag = table.get(name)
    if (flag) {
      if (inline === undefined) at += 1
      uses.push({ name, flag, value: inline ?? argv[at], inline: inline !== undefined })
    } else if (verb < 0 && !word.startsWith('-')) verb = at
  }
  return { verb, uses }
}

/**
 * The words with the verb first, since flags may stand before or after the verb.
 * @throws Failure `usage` for a flag without its value, with a blank value, or given twice
 */
export function verbFirst(argv: readonly string[]): string[] {
  // A flag may take a value in one command and none in another, so each command reads the words by its own flags.
  const isRead = (command: CommandSpec) => argv[parseWords(tableFor(command), argv).verb] === command.name
  const command = commands.find((command) => argv.includes(command.name) && isRead(command))
  const { verb, uses } = parseWords(tableFor(command), argv)
  refuseBadUses(uses)
  const found = argv[verb]
  return found === undefined ? [...argv] : [found, ...argv.slice(0, verb), ...argv.slice(verb + 1)]
}

function refuseBadUses(uses: readonly Use[]): void {
  for (const [at, { name, flag, value, inline }] of uses.entries()) {
    const again = uses.slice(0, at).some((before) => before.flag.flags === flag.flags)
    if (again && !flag.many) throw new Failure('usage', `${name}: is given more than once`)
    if (value?.trim() === '') throw new Failure('usage', `${name}: must not be blank`)
    if (value !== undefined && (inline || !/^-./.test(value))) continue
    throw new Failure('usage', `${name}: needs a value`, {
      hint: `${name}${name.startsWith('--') ? '=' : ''}${value ?? '…'} gives it a value`,
    })
  }
}

/** `-qp prod` and `-ojson`: the letter of a word that takes a value, and the value if it stands in the same word. */
function ofLetters(word: string, table: Table): [string, string?] {
  const letters = word.startsWith('-') ? [...word].slice(1) : []
  const at = letters.findIndex((letter) => table.has(`-${letter}`))
  if (at < 0) return [word]
  const value = letters.slice(at + 1).join('')
  return value === '' ? [`-${letters[at]}`] : [`-${letters[at]}`, value]
}
