import { oftenUsedCommands } from './commands/often-used.ts'
import { edge } from './edge.ts'

/** Runs a command line that begins with a command that is often used. */
export const run = edge(oftenUsedCommands)
