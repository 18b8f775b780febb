import { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import type { CommandSpec, Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import type { Ending } from '../output/print.ts'
import { allFlag, type ScopeFlags, scopeFlags, scopeOf } from '../settings/flags/scope-flags.ts'
import { fixedCursor } from '../watch.ts'

interface TopFlags extends ScopeFlags {
  once?: boolean
}

export const top: CommandSpec<TopFlags> = {
  name: 'top',
  group: 'READ',
  summary: 'the groups of jobs, live, the busiest first',
  about:
    'Shows the counts, rates and waits of each group live, with the stopped queues and the running operations above. ? lists the keys: / filters, s sorts, p pauses or resumes a queue, q quits.',
  examples: ['jobsctl top', 'jobsctl top --domain chatbooks', 'jobsctl top --once'],
  flags: [...scopeFlags, allFlag, { flags: '--once', about: 'print a table of this moment and end', group: 'HOW' }],
  rows: async (_operands, { once }: TopFlags) => (once ? (await import('./top/once.ts')).columns : undefined),
  async run(context, { once = false, ...flags }) {
    const { statsStream, StatsFrame } = await import('../../shared/queues/stats-stream.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    const scope = parseInput(statsStream.input, scopeOf(flags))
    if (context.settings.curl) {
      const endpoint = { ...statsStream, method: 'GET' as const, output: StatsFrame, changes: () => false }
      context.print.text(curlOf(context, endpoint, scope))
      return 'ok'
    }
    if (once) return printOnce(context, scope)
    refuseScreen(context)
    const { showLive } = await import('./top/live.ts')
    return showLive(context, scope)
  },
}

/** @throws Failure `usage` where there is no whole screen to draw on */
function refuseScreen({ io, settings, another }: Context): void {
  const refused = (why: string, hint = another(['top', '--once'])) => new Failure('usage', why, { hint })
  if (!io.outTerminal || !io.inTerminal) throw refused('top needs a terminal for its keys and its screen')
  const fixed = fixedCursor(io.env)
  if (fixed !== undefined) throw refused(`top ${fixed}`)
  if (settings.output !== 'table') throw refused(`top shows a screen, which has no format ${settings.output}`)
  if ((settings.verbose || settings.debug) && io.noteTerminal)
    throw refused('--verbose and --debug would write across the screen', `${another(['top', '--debug'])} 2>trace.log`)
}

async function printOnce(context: Context, scope: Scope): Promise<Ending> {
  const { firstFrame } = await import('./top/source.ts')
  const { printFrame } = await import('./top/once.ts')
  return printFrame(context, { scope, frame: await firstFrame(context, scope) })
}
