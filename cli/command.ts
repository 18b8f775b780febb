import type { CommandDescription } from './command-line/command-description.ts'
import type { Context } from './context.ts'
import type { Ending } from './output/print.ts'

/** One command: its help, its flags, and the function that runs it. */
export interface CommandSpec<Flags extends object = object> extends CommandDescription {
  /** Runs the command. It imports contracts and output itself, so that `--help` does not load them. */
  run(context: Context, flags: Flags, operands: string[]): Promise<Ending>
}
