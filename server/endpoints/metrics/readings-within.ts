import { liesWithin, type TokenScope } from '../../../shared/access/token-scope.ts'
import type { Readings } from './read-metrics.ts'

/**
 * What a caller with a scope may see of what was read: its groups, and the queues in which it may have jobs. The ages of jobs are
 * those of all job types of a queue.
 */
export function readingsWithin(readings: Readings, scope: TokenScope): Readings {
  const { groups, readyAges, lastAcquires, workers, stopped, throttles, history } = readings
  const ofGroup = (group: QueueName & { job_type: string }) => liesWithin(scope, group)
  const ofQueue = (queue: QueueName) => liesWithin({ ...scope, job_types: [] }, queue)
  return {
    ...readings,
    groups: groups?.filter(ofGroup),
    readyAges: readyAges?.filter(ofQueue),
    lastAcquires: lastAcquires.filter(ofQueue),
    workers: workers?.filter(ofQueue),
    stopped: stopped.filter(ofQueue),
    throttles: throttles.filter(ofQueue),
    history: 'why' in history ? history : { totals: totalsWithin(history.totals, scope) },
  }
}

interface QueueName {
  domain: string
  queue: string
}

type Totals = Extract<Readings['history'], { totals: unknown }>['totals']

/** Times are kept by domain: a caller that is limited to a part of a domain has none. */
const totalsWithin = ({ transitions, durations }: Totals, scope: TokenScope): Totals => ({
  transitions: transitions.filter((group) => liesWithin(scope, group)),
  durations: durations.filter(({ domain }) => liesWithin(scope, { domain })),
})
