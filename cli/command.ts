import type { Context } from './context.ts'
import type { Ending } from './output/print.ts'
import type { Flag } from './settings/flag.ts'

/** One command: its help, its flags, and the function that runs it. */
export interface CommandSpec<Flags extends object = object> {
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
  /** Runs the command. It imports contracts and output itself, so that `--help` does not load them. */
  run(context: Context, flags: Flags, operands: string[]): Promise<Ending>
}
