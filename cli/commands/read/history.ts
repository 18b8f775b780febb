import { Failure } from '../../../shared/errors.ts'
import { answerOf } from '../../answer-of.ts'
import type { CommandSpec } from '../../command.ts'
import { momentOf } from '../../history/moment-of.ts'
import { allFlag, type ScopeFlags, scopeFlags, scopeOf } from '../../settings/flags/scope-flags.ts'
import { refuseEmptyRange } from '../../settings/past-time.ts'

interface HistoryFlags extends ScopeFlags {
  since?: string
  until?: string
  step?: string
}

export const history: CommandSpec<HistoryFlags> = {
  name: 'history',
  group: 'READ',
  summary: 'what became of jobs over time',
  about:
    'Counts the jobs that were made, leased and ended in each step of time, by whatever program, with how long they waited and ran: 95 in 100 took at most so long. The last column has the marks. A transaction that commits late changes the minute in which it began.',
  examples: [
    'jobsctl history --since 24h',
    'jobsctl history --domain chatbooks --since 2h --step 1m',
    'jobsctl history --since "mark:deploy 4711"',
    'jobsctl history --since 30d --json',
  ],
  flags: [
    ...scopeFlags,
    allFlag,
    {
      flags: '--since <time>',
      about: 'from a time of ISO 8601, 2h for 2 h ago, or mark:<text> (default: 24h)',
      group: 'HOW',
    },
    { flags: '--until <time>', about: 'before such a time (default: now)', group: 'HOW' },
    {
      flags: '--step <time>',
      about: 'how long a step is (default: at most 60 steps, or 1d); below 1h for 7 days',
      group: 'HOW',
      values: ['1m', '5m', '15m', '1h', '6h', '1d'],
    },
  ],
  async run(context, flags) {
    const { since = '24h', until, step } = flags
    for (const [name, value] of Object.entries({ since, until, step }))
      if (value?.trim() === '') throw new Failure('usage', `--${name}: must not be blank; leave it out for the default`)
    const { history: endpoint } = await import('../../../shared/history/history.ts')
    const { parseInput } = await import('../../settings/flags/flag-errors.ts')
    const request = {
      ...scopeOf(flags),
      from: await momentOf(context, since, { flag: '--since', scope: scopeOf(flags) }),
      ...(until !== undefined && { to: await momentOf(context, until, { flag: '--until', scope: scopeOf(flags) }) }),
      ...(step !== undefined && { step }),
    }
    const input = parseInput(endpoint.input, request)
    refuseEmptyRange({ since, until }, { since: input.from, until: input.to })
    const answer = await answerOf(context, endpoint, input)
    if (!answer) return 'ok'
    const { showHistory } = await import('../../history/show-history.ts')
    showHistory(context, { history: answer.body, raw: answer.raw, scope: scopeOf(flags) })
    return 'ok'
  },
}
