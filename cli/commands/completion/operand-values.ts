import { setRoles } from '../../../shared/access/rights.ts'
import type { CommandDescription } from '../../command.ts'
import { topicNames } from '../help/topics.ts'
import { liveTokens, queuesAt, recentOperations } from './live-names.ts'
import { type Candidate, distinct, named, type Typed, type Values } from './values.ts'

interface Operand extends Typed {
  command: CommandDescription
  /** The operand that is being typed, from 0. */
  at: number
}

/** The words that a command takes beside its flags: what the notation of its operands says. */
export async function operandValues({ command, at, ...typed }: Operand): Promise<Values> {
  const notations = command.operands?.split(' ') ?? []
  const notation = notations[at] ?? notations.find((word) => word.includes('...'))
  if (notation === undefined) return []
  const words = notation
    .replace('<domain>/<queue>', '<domain/queue>')
    .replace(/^[<[]|[>\]]$/g, '')
    .split('|')
  const found = await Promise.all(
    words.map((word) => valuesOfWord(word, { ...typed, command, literal: words.length > 1 })),
  )
  return found.includes('files') ? 'files' : found.flatMap((values) => (values === 'files' ? [] : values))
}

interface Word extends Typed {
  command: CommandDescription
  /** The word is one of several that stand for themselves, unless it is the name of a kind of word. */
  literal: boolean
}

async function valuesOfWord(word: string, { command, literal, ...typed }: Word): Promise<Values> {
  if (word === 'plan' || (word === 'file' && !literal)) return 'files'
  if (word === 'domain/queue') return distinct(await queuesAt(typed))
  if (word === 'command') return commandsOf(typed)
  if (word === 'topic') return [...topicNames.map((value) => ({ value, about: 'a topic' })), ...commandsOf(typed)]
  if (word === 'operation' || (word === 'id' && command.name === 'operations')) return operations(typed)
  if (word === 'role') return setRoles.map((value) => ({ value, about: '' }))
  if (word === 'id' && command.name === 'token') return tokens(typed)
  return literal && !kinds.includes(word) ? [{ value: word, about: '' }] : []
}

/** Words of a notation that stand for others. */
const kinds: readonly string[] = ['id', 'name', 'number', 'file', '1-100']

const commandsOf = ({ context }: Typed): Candidate[] =>
  context.commands.map(({ name, summary }) => ({ value: name, about: summary }))

async function operations(typed: Typed): Promise<Candidate[]> {
  const records = await recentOperations(typed)
  return named(
    records.map(({ id, kind, state, domain }) => ({
      value: String(id),
      about: `${kind}${domain === null ? '' : ` of ${domain}`}, ${state}`,
    })),
  )
}

const tokens = async (typed: Typed): Promise<Candidate[]> =>
  named((await liveTokens(typed)).map(({ id, name, role }) => ({ value: id, about: `${name}, ${role}` })))
