import { Failure } from '../../shared/errors.ts'
import type { CommandDescription } from '../command.ts'
import { nearestName } from '../text/nearest-name.ts'

/** What a person probably means by a word or flag that jobsctl does not have. */
export function meantInstead(command: CommandDescription | undefined, message: string): string | undefined {
  if (/unknown option '--(api-)?key/.test(message)) {
    return 'Use --api-key-file, or set JOBSCTL_API_KEY: every process of the machine can read a key in a flag.'
  }
  if (/unknown option '--token/.test(message)) return 'Use --token-file, or set JOBSCTL_TOKEN.'
  const { name, flags = [], operands } = command ?? {}
  if (!/too many arguments|Expected 0 arguments/.test(message)) return undefined
  if (operands === '<text>') return `${name} takes one text: put it in quotes.`
  // Of commands with one operand, such as `<id>`.
  if (operands !== undefined)
    return operands.includes(' ') ? undefined : `${name} takes one ${operands}: run it once for each.`
  return flags.some((flag) => flag.flags === '--domain <name>') ? 'Did you mean --domain <name>?' : undefined
}

/** A word with more wrong characters is not taken for another one. */
const mostEdits = 2

/** The error for a command that does not exist, with the command that is meant. */
export function unknownCommand(commands: readonly CommandDescription[], word: string): Failure {
  const names = commands.map(({ name }) => name)
  const nearest = nearestName(word, names, mostEdits)
  const hint = nearest === undefined ? '' : `did you mean ${nearest}? `
  return new Failure('usage', `unknown command '${word}'`, { hint: `${hint}jobsctl --help lists them` })
}

/** The error for a help topic that does not exist, with the topic or command that is meant. */
export function unknownTopic(known: readonly string[], commands: readonly CommandDescription[], word: string): Failure {
  const nearest = nearestName(word, [...known, ...commands.map(({ name }) => name)], mostEdits)
  const meant = nearest === undefined ? '' : `did you mean jobsctl help ${nearest}? `
  return new Failure('usage', `there is no help topic ${word}`, { hint: `${meant}topics: ${known.join(', ')}` })
}
