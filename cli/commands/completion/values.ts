import type { CommandDescription } from '../../command.ts'
import { namesOf, type Use } from '../../command-line/words.ts'
import type { Context } from '../../context.ts'
import type { Flag } from '../../settings/flags/flag.ts'
import { domainsAt, groupsIn } from './live-names.ts'

/** A word that can stand where a person types, and what it means. */
export interface Candidate {
  value: string
  about: string
}

/** Words, or the names of files, which a shell knows better. */
export type Values = Candidate[] | 'files'

export interface Typed {
  context: Context
  /** The flags before the word that is being typed. */
  uses: readonly Use[]
}

/** The command of the line, and its words beside flags. */
interface Verb {
  command: CommandDescription | undefined
  operands: readonly string[]
}

/** The words that a flag takes; none where jobsctl does not know them. */
export async function flagValues(flag: Flag, typed: Typed & Partial<Verb>): Promise<Values> {
  const [name = ''] = namesOf(flag.flags).filter((name) => name.startsWith('--'))
  if (flag.values) return flag.values.map((value) => ({ value, about: '' }))
  if (/<(file|path)>/.test(flag.flags)) return 'files'
  if (name === '--profile') return profiles(typed.context)
  if (name === '--domain') return distinct(await domainsAt(typed))
  if (name === '--queue') return distinct((await groupsIn(typed, ['domain'])).map(({ queue }) => queue))
  if (name === '--job-type') {
    return distinct((await groupsIn(typed, ['domain', 'queue'])).map(({ job_type }) => job_type))
  }
  if (name === '--columns') {
    const columns = await typed.command?.rows?.(typed.operands ?? [], {})
    return columns === undefined || columns === 'fields' ? [] : distinct(columns.map(({ title }) => title))
  }
  return []
}

/** The names of the profiles of the config file. */
async function profiles({ io }: Context): Promise<Candidate[]> {
  const { configPath, readConfig } = await import('../../settings/config-file.ts')
  const config = await readConfig(configPath(io))
  return named(
    Object.entries(config.profiles).map(([value, { url, db = 'a database' }]) => ({ value, about: url ?? db })),
  )
}

/** A name that a shell takes as it is: it begins with no sign that a shell or jobsctl acts on, and has no such sign. */
const plain = /^[\p{L}\p{N}_.@][\p{L}\p{M}\p{N}_.@%+:/-]*$/u

/** The candidates whose names need no quotes: the same name means the same in every shell. */
export const named = (candidates: readonly Candidate[]): Candidate[] =>
  candidates
    .filter(({ value }) => plain.test(value))
    .map(({ value, about }) => ({ value, about: about.replaceAll(/\p{Cc}/gu, ' ') }))

/** Each name once, in the order of the alphabet. */
export const distinct = (names: readonly string[]): Candidate[] =>
  named([...new Set(names)].sort().map((value) => ({ value, about: '' })))
