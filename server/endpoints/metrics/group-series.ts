import { groupKey } from '../queues/fold-groups.ts'
import type { Group, KnownGroups } from './known-groups.ts'
import type { Readings } from './read-metrics.ts'
import { addGauge, type MetricTexts } from './series.ts'

const states = ['queued', 'scheduled', 'processing', 'quarantined'] as const
type State = (typeof states)[number]

/** The counts of a group without jobs. */
const none: Record<State, number> = { queued: 0, scheduled: 0, processing: 0, quarantined: 0 }

/** Adds the metrics with labels of groups and queues. */
export function addGroups(texts: MetricTexts, readings: Readings, known: KnownGroups): void {
  addJobs(texts, readings, known)
  addQueues(texts, readings, known)
}

function addJobs(texts: MetricTexts, { groups, readyAges }: Readings, known: KnownGroups): void {
  if (!groups) return
  const live = new Set(groups.map(groupKey))
  // A group whose jobs are gone keeps its series.
  const gone = known.groups.filter((group) => group.job_type !== '' && !live.has(groupKey(group)))
  const inStates = (group: Group, counts: Record<State, number>) => {
    const labelsWith = known.labelsOfGroup(group)
    return states.map((state) => ({ labels: labelsWith(`state="${state}"`), value: counts[state] }))
  }
  addGauge(texts, {
    name: 'jobsctl_jobs',
    help: 'Jobs that have not ended, and jobs in quarantine. A queued job may run now or within two minutes, a scheduled one later.',
    samples: [...gone.flatMap((group) => inStates(group, none)), ...groups.flatMap((group) => inStates(group, group))],
  })
  if (!readyAges) return
  addGauge(texts, {
    name: 'jobsctl_oldest_ready_age_seconds',
    help: 'For how long the oldest job of a queue has been waiting that could run; 0 where no job waits.',
    samples: [
      ...[...gone, ...groups].map((group) => ({ labels: known.labelsOfQueue(group), value: 0 })),
      ...readyAges.map((queue) => ({ labels: known.labelsOfQueue(queue), value: queue.age })),
    ],
    combine: Math.max,
  })
}

function addQueues(
  texts: MetricTexts,
  { lastAcquires, workers = [], stopped, throttles }: Readings,
  known: KnownGroups,
): void {
  addGauge(texts, {
    name: 'jobsctl_last_acquire_age_seconds',
    help: 'Time since a worker last asked for jobs of a queue over HTTP, or any program took one.',
    samples: lastAcquires.map((queue) => ({ labels: known.labelsOfQueue(queue), value: queue.age })),
    combine: Math.min,
  })
  addGauge(texts, {
    name: 'jobsctl_workers',
    help: 'Workers that asked for jobs of a queue over HTTP within 5 minutes, or held one of the 2,000 leases that end next when the server last looked, once a minute.',
    samples: workers.map((queue) => ({ labels: known.labelsOfQueue(queue), value: queue.workers })),
  })
  addGauge(texts, {
    name: 'jobsctl_queue_stopped',
    help: 'Is 1 for each stopped queue; of several queues that have no series of their own, their number.',
    samples: stopped.flatMap(({ paused, drain, ...queue }) =>
      [...(paused ? ['paused'] : []), ...(drain ? ['draining'] : [])].map((mode) => ({
        labels: `${known.labelsOfQueue(queue)},mode="${mode}"`,
        value: 1,
      })),
    ),
  })
  addGauge(texts, {
    name: 'jobsctl_queue_throttle',
    help: 'What a queue is throttled to: the most jobs that run at the same time (running), or begin in a minute (per_minute); of several queues that have no series of their own, the largest.',
    samples: throttles.flatMap(({ running, per_minute, ...queue }) =>
      Object.entries({ running, per_minute }).flatMap(([limit, value]) =>
        value === null ? [] : [{ labels: `${known.labelsOfQueue(queue)},limit="${limit}"`, value }],
      ),
    ),
    combine: Math.max,
  })
}
