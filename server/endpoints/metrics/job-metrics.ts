import { Registry } from 'prom-client'
import type { ServerContext } from '../../call.ts'
import { addDatabase } from './database-series.ts'
import { addGroups } from './group-series.ts'
import { addHistory } from './history-series.ts'
import { createGroupList, type Group } from './known-groups.ts'
import { createOperationTotals } from './operation-totals.ts'
import { type Readings, readMetrics } from './read-metrics.ts'

/** The metrics of the database, which are the same whichever server is asked. */
export interface JobMetrics {
  /** Reads them, as the text format of Prometheus. */
  read: () => Promise<string>
}

type JobMetricsOptions = Pick<ServerContext, 'operatorSql' | 'pressureLimits'>

export function createJobMetrics({ operatorSql: sql, pressureLimits }: JobMetricsOptions): JobMetrics {
  const list = createGroupList(sql)
  const totals = createOperationTotals()
  return {
    async read() {
      const readings = await readMetrics(sql, totals)
      const known = await list.add(groupsIn(readings))
      const registry = new Registry()
      addGroups(registry, readings, known)
      if ('totals' in readings.history) addHistory(registry, readings.history.totals, known)
      addDatabase(registry, readings, pressureLimits)
      const comments = missing(readings).map((sentence) => `# ${sentence}\n`)
      return `${await registry.metrics()}${comments.join('')}`
    },
  }
}

/** The groups of jobs, and the queues without jobs that workers ask for or that somebody has stopped. */
function groupsIn({ groups = [], workers = [], stopped }: Readings): Group[] {
  const keyOf = ({ domain, queue }: Pick<Group, 'domain' | 'queue'>) => JSON.stringify([domain, queue])
  const withJobs = new Set(groups.map(keyOf))
  const bare = new Map([...workers, ...stopped].map((one) => [keyOf(one), one]))
  return [
    ...groups,
    ...[...bare]
      .filter(([key]) => !withJobs.has(key))
      .map(([, { domain, queue }]) => ({ domain, queue, job_type: '' })),
  ]
}

const lacksIndex = 'reading them takes too long; jobs-server indexes plan says whether an index is missing'

/** A sentence for each metric that this scrape lacks. */
const missing = ({ groups, workers, counted, tasks, history }: Readings): string[] => [
  ...(workers ? [] : [`jobsctl_workers is missing: ${lacksIndex}`]),
  ...(counted ? [] : [`jobsctl_retrying_jobs and jobsctl_expired_leases are missing: ${lacksIndex}`]),
  ...('why' in history
    ? [`jobsctl_transitions_total, jobsctl_job_wait_seconds and jobsctl_job_run_seconds are missing: ${history.why}`]
    : []),
  ...(groups
    ? []
    : [
        'jobsctl_jobs and jobsctl_oldest_ready_age_seconds are missing: the counts are not exact, and counting the jobs takes too long',
      ]),
  ...(tasks.some(({ task }) => task === 'integrity')
    ? []
    : ['jobsctl_integrity_violations is missing: no server has checked the leases yet']),
  ...(tasks.some(({ task }) => task === 'records')
    ? []
    : ['jobsctl_records_intact is missing: no server has checked the records yet']),
]
