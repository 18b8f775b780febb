import { commands } from './commands/all.ts'
import { runnerOf } from './process.ts'

/** Runs any command line. */
export const run = runnerOf(commands)
