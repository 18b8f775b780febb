import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../context.ts'

/** How often the command looks whether its server still runs, in milliseconds. */
const lookEveryMs = 1000

export const ui: CommandSpec = {
  name: 'ui',
  group: 'READ',
  summary: 'the dashboard of a database, with no server',
  about:
    'Opens the dashboard of a database on a free port of this machine, until Ctrl-C, and prints the link that logs a browser in, once. A server has its dashboard at /ui/.',
  examples: ['jobsctl ui --db postgres://ann@db1/orders', 'JOBSCTL_DB_URL=postgres://… jobsctl ui'],
  flags: [],
  async run(context) {
    const { io, print } = context
    const dashboard = await context.openDashboard()
    print.sentence({ url: dashboard.login }, dashboard.login, 'plain')
    print.aside('The link logs in once. Ctrl-C ends the dashboard.')
    while (!io.signal.aborted && !io.outGone()) {
      const ended = dashboard.ended()
      if (ended !== undefined) throw new Failure('internal', `the dashboard is gone: ${ended}`)
      await sleep(lookEveryMs, undefined, { signal: io.signal }).catch(() => {})
    }
    return io.signal.reason === 'SIGTERM' ? 'terminated' : io.signal.aborted ? 'interrupted' : 'ok'
  },
}
