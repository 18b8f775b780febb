import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'

export const server: CommandSpec = {
  name: 'server',
  group: 'SETUP',
  summary: 'jobs-server, with its own commands and flags',
  about:
    'Starts jobs-server of the same installation: every word after it is read by jobs-server, which has flags, commands and a help of its own.',
  examples: ['JOBS_DB_URL=postgres://… jobsctl server', 'jobsctl server demo', 'jobsctl server token list'],
  operands: '[words...]',
  flags: [],
  /** `bin.ts` starts the server where this is the first word. */
  async run() {
    throw new Failure('usage', 'server is the first word of its command line')
  },
}
