import { groupKey } from '../queues/group-key.ts'
import type { Group, KnownGroups } from './known-groups.ts'
import type { Readings } from './read-metrics.ts'
import { addGauge, type MetricTexts } from './series.ts'

const states = ['queued', 'scheduled', 'processing', 'quarantined'] as const

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
  const labelsOf = ({ domain, queue, job_type }: Group) => ({ domain, queue, job_type })
  addGauge(texts, {
    name: 'jobsctl_jobs',
    help: 'Jobs that have not ended, and jobs in quarantine. A queued job may run now or within two minutes, a scheduled one later.',
    samples: [
      ...gone.flatMap((group) => states.map((state) => ({ labels: { ...labelsOf(group), state }, value: 0 }))),
      ...groups.flatMap((group) =>
        states.map((state) => ({ labels: { ...labelsOf(known.ofGroup(group)), state }, value: group[state] })),
      ),
    ],
  })
  if (!readyAges) return
  addGauge(texts, {
    name: 'jobsctl_oldest_ready_age_seconds',
    help: 'For how long the oldest job of a queue has been waiting that could run; 0 where no job waits.',
    samples: [
      ...gone.map(({ domain, queue }) => ({ labels: { domain, queue }, value: 0 })),
      ...groups.map((group) => ({ labels: known.ofQueue(group), value: 0 })),
      ...readyAges.map(({ age, ...queue }) => ({ labels: known.ofQueue(queue), value: age })),
    ],
    combine: Math.max,
  })
}

function addQueues(texts: MetricTexts, { lastAcquires, workers = [], stopped }: Readings, known: KnownGroups): void {
  addGauge(texts, {
    name: 'jobsctl_last_acquire_age_seconds',
    help: 'Time since a worker last asked for jobs of a queue over HTTP, or any program took one.',
    samples: lastAcquires.map((queue) => ({ labels: known.ofQueue(queue), value: queue.age })),
    combine: Math.min,
  })
  addGauge(texts, {
    name: 'jobsctl_workers',
    help: 'Workers that asked for jobs of a queue over HTTP within 5 minutes, or held one of the 2,000 leases that end next when the server last looked, once a minute.',
    samples: workers.map((queue) => ({ labels: known.ofQueue(queue), value: queue.workers })),
  })
  addGauge(texts, {
    name: 'jobsctl_queue_stopped',
    help: 'Is 1 for each stopped queue; of several queues that have no series of their own, their number.',
    samples: stopped.flatMap(({ paused, drain, ...queue }) => [
      ...(paused ? [{ labels: { ...known.ofQueue(queue), mode: 'paused' }, value: 1 }] : []),
      ...(drain ? [{ labels: { ...known.ofQueue(queue), mode: 'draining' }, value: 1 }] : []),
    ]),
  })
}
