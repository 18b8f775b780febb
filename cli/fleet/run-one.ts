import { Failure } from '../../shared/errors.ts'
import type { CommandDescription } from '../command.ts'
import type { CommandSpec } from '../context.ts'
import type { Processes } from '../direct/start-server.ts'
import { fullContext } from '../full-context.ts'
import type { Io } from '../io.ts'
import type { Ending, Printer } from '../output/print.ts'
import { runWithTimes } from '../run-with-times.ts'
import type { GlobalFlags } from '../settings/settings.ts'
import { collector, type Printed } from './collect.ts'

export interface OneRun {
  io: Io
  flags: GlobalFlags
  /** Every command. */
  commands: readonly CommandDescription[]
  spec: CommandSpec
  values: Record<string, unknown>
  operands: string[]
}

/** The largest answer of one profile in bytes: up to 32 are in memory at once. */
const mostBytes = 32 * 2 ** 20

/** What one profile answered. */
interface Answer {
  profile: string
  printed: Printed
  ending: Ending
}

/** Why one profile gave no rows, or not all of them. */
export interface Failed {
  profile: string
  /** The rows that came before the failure. */
  printed: Printed
  failure: Failure
}

/**
 * Runs a command against one profile, and keeps what it prints.
 * @param print the printer of the command line, whose format the rows have
 * @param selects whether `--columns` or `--template` choose fields
 * @param processes where the process of a server comes from, for a database
 * @throws Failure `interrupted` or `terminated`
 */
export async function runOne({
  profile,
  print: real,
  spec,
  values,
  operands,
  selects,
  ...parts
}: OneRun & { profile: string; print: Printer; processes: Processes; selects: boolean }): Promise<Answer | Failed> {
  const { print, printed } = collector({ profile, real, selects })
  const context = await fullContext({ ...parts, print, mostBytes })
  try {
    const given = { flags: spec.flags, values, operands }
    const ending = await runWithTimes(context, given, (times) => spec.run(context, times, operands))
    return { profile, printed, ending }
  } catch (error) {
    const isEnd = error instanceof Failure && (error.code === 'interrupted' || error.code === 'terminated')
    if (!(error instanceof Failure) || isEnd) throw error
    return { profile, printed, failure: error }
  } finally {
    await context.close()
  }
}
