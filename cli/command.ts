import type { Flag } from './settings/flags/flag.ts'

/** What help, completion and manual pages say of a command. */
export interface CommandDescription {
  name: string
  group: 'READ' | 'CHANGE' | 'QUEUE' | 'ADMIN' | 'SETUP'
  /** A few words for the list of commands. */
  summary: string
  /** A sentence or two for its own help. */
  about: string
  examples: readonly string[]
  flags: readonly Flag[]
  /** Positional arguments in the notation of commander: `[ids...]`. */
  operands?: string
  /** The command previews and confirms a change, so it takes the flags of the guard. */
  changes?: boolean
  /** The names of the flags of the guard that the command takes, where it does not take all. */
  guardFlags?: readonly string[]
}
