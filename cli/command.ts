import type { Flag } from './settings/flags/flag.ts'

/** Columns by their names. */
type RowColumns = readonly { title: string; also?: string }[] | 'fields' | undefined

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
  /**
   * The columns of the rows that these operands and flags print, for `--columns` and `--template`; `fields` where the command prints one
   * record. Absent, and undefined, where no rows are printed.
   */
  rows?: (operands: readonly string[], flags: object) => RowColumns | Promise<RowColumns>
  /** The command is a read that `--fleet` runs against many profiles. */
  fleet?: boolean
  /** The command previews and confirms a change, so it takes the flags of the guard. */
  changes?: boolean
  /** The names of the flags of the guard that the command takes, where it does not take all. */
  guardFlags?: readonly string[]
}
