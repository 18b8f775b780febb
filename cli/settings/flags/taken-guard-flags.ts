import type { CommandDescription } from '../../command-line/command-description.ts'
import type { Flag } from './flag.ts'
import { guardFlags } from './global-flags.ts'

/** The flags of the guard that a command takes: none, all, or those that it names. */
export const takenGuardFlags = ({
  changes = false,
  guardFlags: named,
}: Pick<CommandDescription, 'changes' | 'guardFlags'>): readonly Flag[] =>
  guardFlags.filter(({ flags }) => changes && (named?.some((name) => flags.split(/[ ,]+/).includes(name)) ?? true))
