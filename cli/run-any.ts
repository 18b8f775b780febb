import { commands } from './commands/all.ts'
import { edge } from './edge.ts'

/** Runs any command line. */
export const run = edge(commands)
