import type { Context } from './context.ts'
import type { Ending } from './output/print.ts'
import type { Flag } from './settings/flag.ts'

/** One command, described once: its help, its flags, and what it does. */
export interface CommandSpec<Flags extends object = object> {
  name: string
  group: 'READ' | 'CHANGE' | 'QUEUE' | 'ADMIN' | 'SETUP'
  /** A few words for the list of commands. */
  summary: string
  /** A sentence or two for its own help. */
  about: string
  examples: readonly string[]
  flags: readonly Flag[]
  /** Positional arguments, as commander reads them: `[ids...]`. */
  operands?: string
  /** Previews and confirms: takes the flags of the guard. */
  changes?: boolean
  /** What it needs beside, such as a contract, it loads itself: `--help` must not wait for that. */
  run(context: Context, flags: Flags, operands: string[]): Promise<Ending>
}
