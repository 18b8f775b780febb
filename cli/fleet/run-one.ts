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
import type { Share } from './shares.ts'

export interface OneRun {
  io: Io
  flags: GlobalFlags
  /** Every command. */
  commands: readonly CommandDescription[]
  spec: CommandSpec
  values: Record<string, unknown>
  operands: string[]
}

/** What one profile answered. */
export interface Answer {
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

export interface Together {
  profile: string
  /** The printer of the command line, whose format the rows have. */
  print: Printer
  /** Where the process of a server comes from, for a database. */
  processes: Processes
  /** Whether `--columns` or `--template` choose fields. */
  selects: boolean
  /** The largest answer, in bytes. */
  mostOfOne: number
  /** How many bytes, and how many rows, may be kept. */
  bytes: Share
  rows: Share
}

/**
 * Runs a command against one profile, and keeps what it prints.
 * @throws Failure `interrupted` or `terminated`
 */
export async function runOne({
  profile,
  print: real,
  spec,
  values,
  operands,
  selects,
  mostOfOne,
  bytes,
  rows,
  ...parts
}: OneRun & Together): Promise<Answer | Failed> {
  const { print, printed } = collector({ profile, real, selects, rows })
  const context = await fullContext({ ...parts, print, room: { mostOfOne, ...bytes } })
  try {
    const given = { flags: spec.flags, values, operands }
    const ending = await runWithTimes(context, given, (times) => spec.run(context, times, operands))
    return { profile, printed, ending }
  } catch (error) {
    const isEnd = error instanceof Failure && (error.code === 'interrupted' || error.code === 'terminated')
    if (!(error instanceof Failure) || isEnd) throw error
    if (printed.lines.length === 0) bytes.giveAllBack()
    return { profile, printed, failure: error }
  } finally {
    await context.close()
  }
}
