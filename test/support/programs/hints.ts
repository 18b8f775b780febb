import { namesOf, readWords } from '../../../cli/command-line/words.ts'
import { commands } from '../../../cli/commands/all.ts'
import { globalFlags, guardFlags } from '../../../cli/settings/flags/global-flags.ts'

const targetFlags = ['--profile', '--url', '--db', '--api-key-file', '--token-file']

/** Commands that call no server, and those of the second person of a plan, who has another key. */
const ofNoServer = ['help', 'config', 'completion', 'man', 'login', 'server', 'approve', 'reject', 'apply']

/** Commands that are about all there is: their hints lead from a scope to what is not of a scope. */
const ofNoScope = ['doctor', 'operations', 'plans', 'policy', 'token', 'hold', 'mark', ...ofNoServer]

/** Words that follow the name of a command in a sentence, as in `jobsctl stats lists the queues`. */
const prose =
  /^(?:shows|lists|says|can|knows|does|counts|itself|names|has|is|are|and|or|with|on|by|to|of|for|until|in|as)$/

interface Read {
  command: (typeof commands)[number]
  /** The values of the flags of the command, by their long names; of a flag without a value the empty text. */
  flags: ReadonlyMap<string, string>
  /** The other words: ids, the name of a queue. */
  operands: readonly string[]
  unknown: readonly string[]
}

function read(words: readonly string[]): Read | undefined {
  const { command: described, plain, uses } = readWords(commands, words)
  const command = commands.find(({ name }) => name === described?.name)
  if (!command) return undefined
  const known = [...command.flags, ...globalFlags, ...guardFlags].flatMap(({ flags }) => namesOf(flags))
  const end = words.includes('--') ? words.indexOf('--') : words.length
  const given = words
    .slice(0, end)
    .filter((word) => word.startsWith('-'))
    .map((word) => word.split('=', 1)[0] ?? '')
  const values = uses.map(({ flag, value }) => [namesOf(flag.flags).at(-1) ?? '', value ?? ''] as const)
  const isValue = (word: string) => uses.some(({ value, inline }) => !inline && value === word)
  return {
    command,
    flags: new Map([...given.map((name) => [name, ''] as const), ...values]),
    operands: plain.slice(1).map((at) => words[at] ?? ''),
    unknown: given.filter(
      // A negative number is an operand, as for jobsctl.
      (name) => !known.includes(name) && !/^(--help|-h|--|-|-\d.*)$/.test(name) && !isValue(name),
    ),
  }
}

/** The words of each command line of `jobsctl` in a text, as a shell reads them, up to the end of the clause. */
function commandLinesIn(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => !/^\s*["{[]|\t/.test(line))
    .flatMap((line) => line.split(/(?<![\w/.-])jobsctl (?=[a-z-])/).slice(1))
    .map(wordsOf)
}

function wordsOf(text: string): string[] {
  const words: string[] = []
  const part = /\s*((?:\$?'(?:[^'\\]|\\.|'\\'')*'|"[^"]*"|[^\s'"])+)/y
  for (let found = part.exec(text); found; found = part.exec(text)) {
    const [, word = ''] = found
    const isLast = /[;,):?]$/.test(word)
    const own = isLast ? word.slice(0, -1) : word
    if (/^(?:\||>|&|\(|…)/.test(own) || own === '') break
    words.push(own.replace(/^(['"])(.*)\1$/s, '$2'))
    if (isLast) break
  }
  return words
}

/**
 * Looks at every command that a command line printed: in its closing hint, in the hint of a failure, in a note.
 * @throws Error for a flag that the printed command does not have, and for a target or a scope that it lost
 */
export function refuseLostHints(argv: readonly string[], printed: string): void {
  const faults = faultsOfHints(argv, printed)
  if (faults.length > 0) throw new Error(`hints that cannot be pasted:\n${faults.join('\n')}`)
}

/** A command line that was printed to be pasted, with what it says. */
type Hint = Read & { words: readonly string[] }

const hintsIn = (printed: string): Hint[] =>
  commandLinesIn(printed).flatMap((words) => {
    const hint = read(words)
    return hint && !prose.test(words[1] ?? '') ? [{ ...hint, words }] : []
  })

/** Acts that are done at once, by command and first operand. `--curl` reads all of their words, and sends nothing. */
const acts = [
  ...['pause', 'resume', 'drain', 'mark', 'enqueue', 'approve', 'reject', 'hold add', 'hold remove', 'plans review'],
  ...['token create', 'token revoke', 'operations stop', 'operations keep'],
]

/** Commands that ask for a secret, that wait or have no end, or that need a file, and what somebody has to complete. */
const notRun = ['login', 'top', 'wait', 'man', 'completion', 'apply']
const isIncomplete = (word: string): boolean => /^<|>$|…|^\.\.\.$|\.(?:json|yaml)$/.test(word)

/**
 * The words to run the commands that a command line printed: those that read as they are, those that change as a preview, acts with
 * `--curl`. Commands that have no end or need a file are left out, and so are those that somebody has to complete first.
 */
export const runnableHints = (printed: string): string[][] =>
  hintsIn(printed)
    .map(withoutSentence)
    .filter(({ command, words }) => !notRun.includes(command.name) && !words.some(isIncomplete))
    .filter(({ words }) => !words.includes('--follow') && !words.includes('--watch'))
    .map(({ command, operands, words }) => {
      if (words.includes('--help')) return [...words]
      const isAct = acts.some((act) => act === command.name || act === `${command.name} ${operands[0]}`)
      const kept = words.filter((word) => word !== '--yes' && word !== '--dry-run')
      if (isAct) return [...kept, '--curl']
      return command.changes ? [...kept, '--dry-run'] : [...words]
    })

/** `jobsctl plans approval shows which do` without what follows in the sentence. */
function withoutSentence(hint: Hint): Hint {
  const verb = hint.words.indexOf(hint.command.name)
  const end = hint.words.findIndex((word, at) => at > verb && prose.test(word))
  const words = end < 0 ? hint.words : hint.words.slice(0, end)
  return { ...hint, ...read(words), words }
}

function faultsOfHints(argv: readonly string[], printed: string): string[] {
  const asked = read(argv)
  return hintsIn(printed).flatMap((hint) => {
    const line = `jobsctl ${hint.words.join(' ')}`
    const lacks = asked && !isHelp(asked) && !isHelp(hint) ? lostFlags(asked, hint) : []
    return [
      ...hint.unknown.map((flag) => `${line}: ${hint.command.name} has no ${flag}`),
      ...lacks.map((flag) => `${line}: lacks ${flag} of jobsctl ${argv.join(' ')}`),
    ]
  })
}

const isHelp = ({ command, flags }: Read): boolean =>
  flags.has('--help') || flags.has('-h') || ['help', 'man', 'config', 'completion'].includes(command.name)

const scopeFlags = ['--domain', '--queue', '--job-type']

/** The flags of the command line that its hint lacks: those of the target, and of the filter as far as the command of the hint has them. */
function lostFlags(asked: Read, { command, flags, operands }: Read): string[] {
  const target = ofNoServer.includes(command.name) ? [] : targetFlags
  const filter = command.flags
    .filter(({ group }) => group === 'WHICH JOBS' || group === 'FILTER')
    .flatMap(({ flags }) => namesOf(flags).at(-1) ?? [])
  // An id or a cluster is narrower than a filter. Only a change must say --all, where it has no domain.
  const needsAll = command.changes === true && !flags.has('--domain')
  const kept = flags.has('--cluster') ? scopeFlags : filter.filter((name) => name !== '--all' || needsAll)
  const scope = operands.length > 0 || ofNoScope.includes(command.name) ? [] : kept
  return [...target, ...scope].filter((name) => asked.flags.has(name) && !flags.has(name))
}
