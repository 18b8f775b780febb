import { Failure } from '../../shared/errors.ts'
import { answerOf } from '../answer-of.ts'
import type { CommandSpec } from '../context.ts'
import { flagsIn } from '../settings/flags/flag.ts'
import { allFlag, type ScopeFlags, scopeFlags, scopeOf } from '../settings/flags/scope-flags.ts'
import { refuseEmptyRange } from '../settings/moment.ts'

interface HistoryFlags extends ScopeFlags {
  since?: string
  until?: string
  step?: string
  depth?: boolean
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
    'jobsctl history --depth --domain chatbooks --queue default --since 24h --step 5m',
    'jobsctl history --since 30d --json',
  ],
  fleet: true,
  flags: [
    ...scopeFlags,
    allFlag,
    ...flagsIn('HOW', {
      '--since <time>': {
        about: 'from a time of ISO 8601, 2h for 2 h ago, or mark:<text> (default: 24h)',
        time: 'past',
      },
      '--until <time>': { about: 'before such a time (default: now)', time: 'past' },
      '--step <duration>': {
        about: 'how long a step is (default: at most 60 steps, or 1d); below 1h for 7 days',
        values: ['1m', '5m', '15m', '1h', '6h', '1d'],
      },
      '--depth': 'with how many jobs there were at the beginning of each step',
    }),
  ],
  rows: async (_operands, flags) => {
    const { columns, depthColumns } = await import('./history/show-history.ts')
    return 'depth' in flags ? [...columns, ...depthColumns] : columns
  },
  async run(context, flags) {
    const { since = dayAgo(), until, step } = flags
    if (step?.trim() === '') throw new Failure('usage', '--step: must not be blank; leave it out for the default')
    const { history: endpoint } = await import('../../shared/history/history.ts')
    const { parseInput } = await import('../settings/flags/flag-errors.ts')
    const request = {
      ...scopeOf(flags),
      from: since,
      ...(until !== undefined && { to: until }),
      ...(step !== undefined && { step }),
      ...(flags.depth && { depth: 'true' }),
    }
    const input = parseInput(endpoint.input, request)
    refuseEmptyRange({ since, until })
    const answer = await answerOf(context, endpoint, input)
    if (!answer) return 'ok'
    const { showHistory } = await import('./history/show-history.ts')
    showHistory(context, { history: answer.body, raw: answer.raw, scope: scopeOf(flags) })
    return 'ok'
  },
}

const dayAgo = (): string => new Date(Date.now() - 86_400_000).toISOString()
