import { oftenUsedCommands } from './commands/often-used.ts'
import { runnerOf } from './process.ts'

/** Runs a command line that begins with a command that is often used. */
export const run = runnerOf(oftenUsedCommands)
