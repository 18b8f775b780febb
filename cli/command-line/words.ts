import type { CommandDescription } from '../command.ts'
import type { Flag } from '../settings/flags/flag.ts'
import { globalFlags, guardFlags } from '../settings/flags/global-flags.ts'

/** The flags that take a value, by their names. */
type Table = ReadonlyMap<string, Flag>

/** `-o, --output <format>` as its names: `-o` and `--output`. */
export const namesOf = (spelling: string) => spelling.split(/[ ,]+/).filter((word) => word.startsWith('-'))

const entriesOf = (flags: readonly Flag[]) =>
  flags.flatMap((flag) => namesOf(flag.flags).map((name) => [name, flag] as const))

/** The flags of all commands; a flag that `command` defines is read as that command defines it. */
function tableFor(commands: readonly CommandDescription[], command?: CommandDescription): Table {
  const all = entriesOf([...commands.flatMap(({ flags }) => flags), ...globalFlags, ...guardFlags])
  const own = entriesOf(command?.flags ?? [])
  return new Map([...new Map([...all, ...own])].filter(([, flag]) => /[<[]/.test(flag.flags)))
}

/** Whether a flag may stand without its value: `--fleet [profiles]`. */
export const isOptional = ({ flags }: Flag): boolean => flags.includes('[')

/** One use of a flag that takes a value; `inline` is true for `--flag=value`. */
export interface Use {
  name: string
  flag: Flag
  value: string | undefined
  inline: boolean
}

interface Words {
  /** The indexes of the words before `--` that are neither flags nor values: the verb, then its operands. */
  plain: number[]
  /** Every use of a flag with a value. */
  uses: Use[]
}

function parseWords(table: Table, argv: readonly string[], verbs: readonly string[]): Words {
  const uses: Use[] = []
  const plain: number[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--') break
    const [name = '', inline] = word.startsWith('--') ? word.split(/=(.*)/s) : ofLetters(word, table)
    const flag = table.get(name)
    if (flag) {
      const next = argv[at + 1]
      // The word after a flag that needs no value is its value, as commander reads it, but for the verb, which may stand there.
      const isAlone = isOptional(flag) && (next === undefined || next.startsWith('-') || verbs.includes(next))
      const value = inline ?? (isAlone ? undefined : next)
      if (inline === undefined && !isAlone) at += 1
      uses.push({ name, flag, value, inline: inline !== undefined })
    } else if (!word.startsWith('-')) plain.push(at)
  }
  return { plain, uses }
}

/** The command that a command line names, if any, and the words of the line as this command reads them. */
export function readWords(
  commands: readonly CommandDescription[],
  argv: readonly string[],
): Words & { command: CommandDescription | undefined } {
  const verbs = commands.map(({ name }) => name)
  // A flag may take a value in one command and none in another, so each command reads the words by its own flags.
  const read = (command?: CommandDescription) => parseWords(tableFor(commands, command), argv, verbs)
  const isRead = (command: CommandDescription) => argv[read(command).plain[0] ?? -1] === command.name
  const command = commands.find((command) => argv.includes(command.name) && isRead(command))
  return { command, ...read(command) }
}

/** `-qp prod` and `-ojson`: the letter of a word that takes a value, and the value if it stands in the same word. */
function ofLetters(word: string, table: Table): [string, string?] {
  const letters = word.startsWith('-') ? [...word].slice(1) : []
  const at = letters.findIndex((letter) => table.has(`-${letter}`))
  if (at < 0) return [word]
  const value = letters.slice(at + 1).join('')
  return value === '' ? [`-${letters[at]}`] : [`-${letters[at]}`, value]
}
