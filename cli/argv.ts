import { Failure } from '../shared/errors.ts'
import { commands } from './commands/all.ts'
import { globalFlags, guardFlags } from './global-flags.ts'

const flags = [...globalFlags, ...guardFlags, ...commands.flatMap(({ flags }) => flags)]

/** `-o, --output <format>` as its names. */
const namesOf = (spelling: string) => spelling.split(/[ ,]+/).filter((word) => word.startsWith('-'))
const withValue = new Map(
  flags.filter(({ flags }) => flags.includes('<')).flatMap((flag) => namesOf(flag.flags).map((name) => [name, flag])),
)

/**
 * Brings the verb to the front, since flags may stand before or after it, and refuses what would
 * be read in a way that nobody means.
 * @throws Failure `usage` for a flag without its value, or given twice
 */
export function verbFirst(argv: readonly string[]): string[] {
  const seen = new Set<string>()
  let verb = -1
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--') break
    const [name = '', inline] = word.startsWith('--') ? word.split(/=(.*)/s) : ofLetters(word)
    const flag = withValue.get(name)
    if (flag) {
      const key = flag.flags
      if (seen.has(key) && !flag.many) throw new Failure('usage', `${name}: is given more than once`)
      seen.add(key)
      if (inline === undefined) at += 1
      const value = inline ?? argv[at]
      if (value?.trim() === '') throw new Failure('usage', `${name}: must not be blank`)
      if (value === undefined || (inline === undefined && /^-./.test(value))) {
        throw new Failure('usage', `${name}: needs a value`, {
          hint: `${name}${name.startsWith('--') ? '=' : ''}${value ?? '…'} if that is what you mean`,
        })
      }
    } else if (verb < 0 && !word.startsWith('-')) verb = at
  }
  const found = argv[verb]
  return found === undefined ? [...argv] : [found, ...argv.slice(0, verb), ...argv.slice(verb + 1)]
}

/** `-qp prod` and `-ojson`: of letters in one word, the one that takes a value, and the value if it is there. */
function ofLetters(word: string): [string, string?] {
  const letters = word.startsWith('-') ? [...word].slice(1) : []
  const at = letters.findIndex((letter) => withValue.has(`-${letter}`))
  if (at < 0) return [word]
  const value = letters.slice(at + 1).join('')
  return value === '' ? [`-${letters[at]}`] : [`-${letters[at]}`, value]
}
