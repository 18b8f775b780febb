import type { Direction } from '../../../shared/times/moment.ts'

/** One flag, for commander, the help and the pages. */
export interface Flag {
  /** The flag in the notation of commander: `--older-than <duration>`. */
  flags: string
  about: string
  /** Its heading in the help. */
  group: string
  /** The flag may be given more than once; `list`: each time with several words between commas. A value that may have a comma is `repeated`. */
  many?: 'list' | 'repeated'
  /**
   * For a flag of a time: where a duration leads from now, always or with these operands. The command gets the time of ISO 8601 that
   * the words mean.
   */
  time?: Direction | ((operands: readonly string[]) => Direction)
  /** The words that it takes, for completion. */
  values?: readonly string[]
}

/** The flag of the commands that can show their rows again and again. */
export const watchFlag: Flag = { flags: '--watch', group: 'HOW', about: 'repeat every 2 seconds, until Ctrl-C' }

/** Flags under one heading of the help: for each, what it is about, or its fields beside. */
export const flagsIn = <More extends Omit<Flag, 'flags' | 'group'>>(
  group: string,
  flags: Readonly<Record<string, string | More>>,
) =>
  Object.entries(flags).map(([flags, more]) => ({
    flags,
    group,
    ...(typeof more === 'string' ? { about: more } : more),
  }))
