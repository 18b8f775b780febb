import { Failure } from '../../shared/errors.ts'
import { quoted } from '../../shared/text/shell.ts'
import type { CommandDescription } from '../command.ts'
import { isOptional, readWords, type Use } from './words.ts'

/**
 * The words with the verb first, since flags may stand before or after the verb.
 * @throws Failure `usage` for a flag without its value, with a blank value, or given twice
 */
export function verbFirst(commands: readonly CommandDescription[], argv: readonly string[]): string[] {
  const { plain, uses } = readWords(commands, argv)
  const verb = plain[0] ?? -1
  refuseBadUses(uses)
  const found = argv[verb]
  return found === undefined ? [...argv] : [found, ...argv.slice(0, verb), ...argv.slice(verb + 1)]
}

function refuseBadUses(uses: readonly Use[]): void {
  for (const [at, { name, flag, value, inline }] of uses.entries()) {
    const again = uses.slice(0, at).some((before) => before.flag.flags === flag.flags)
    if (again && !flag.many) throw new Failure('usage', `${name}: is given more than once`)
    if (value?.trim() === '') throw new Failure('usage', `${name}: must not be blank`)
    if (value === undefined && isOptional(flag)) continue
    if (value !== undefined && (inline || !/^-./.test(value))) continue
    throw new Failure('usage', `${name}: needs a value`, {
      hint: `${name}${name.startsWith('--') ? '=' : ''}${value === undefined ? '…' : quoted(value)} gives it a value`,
    })
  }
}
