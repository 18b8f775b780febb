import { liesWithin, scopeText, type TokenScope } from '../../../shared/access/token-scope.ts'
import { headers } from '../../../shared/headers.ts'
import type { ServerContext } from '../../call.ts'
import type { Pool } from '../../database/sql.ts'
import { abilitiesOf, inWords } from '../../engines/abilities.ts'
import { servedBy } from '../../engines/served.ts'
import { whyHidden } from '../../engines/watched.ts'
import { queueKey } from '../../waiting/long-poll.ts'
import { addDatabase } from './database-series.ts'
import { addEngines } from './engine-series.ts'
import { addGroups } from './group-series.ts'
import { addHistory } from './history-series.ts'
import { createGroupList, type Group, type KnownGroups } from './known-groups.ts'
import { createLeaseOwners } from './lease-owners.ts'
import { createOldestReady, readOldestReadyOfTypes } from './oldest-ready.ts'
import { createOperationTotals } from './operation-totals.ts'
import { type Readings, readMetrics } from './read-metrics.ts'
import { readingsWithin } from './readings-within.ts'
import type { MetricTexts } from './series.ts'

/** The metrics of the database, which are the same whichever server is asked. */
export interface JobMetrics {
  read: () => Promise<Scrape>
}

/** What was read at one time. */
export interface Scrape {
  /** Where the jobs were counted, and of when that is; none where everything was read at the primary. */
  headers: Readonly<Record<string, string>>
  /** It in the text format of Prometheus: to a caller with a scope the series of its groups and queues alone. */
  text: (within: TokenScope | undefined) => Promise<string>
}

type JobMetricsOptions = Pick<ServerContext, 'operatorSql' | 'pressureLimits' | 'replica' | 'standby'>

export function createJobMetrics({
  operatorSql: sql,
  pressureLimits,
  replica,
  standby,
}: JobMetricsOptions): JobMetrics {
  const list = createGroupList(sql, standby.isOn)
  const kept = {
    list,
    totals: createOperationTotals(),
    leaseOwners: createLeaseOwners(sql),
    oldestReady: createOldestReady(),
  }
  return {
    async read() {
      const served = servedBy(sql)
      const place = standby.isOn() ? { isReplica: true, asOf: await standby.asOf() } : undefined
      const hides = served.mode === 'own' ? undefined : whyHidden(served.places)
      const read = await readMetrics(sql, kept, served.mode === 'own' ? replica : undefined)
      const readings = hides ? { ...read, ...hidden, hides: inWords(hides).toString() } : read
      const known = await list.add(groupsIn(readings))
      // One text for all callers with the same scope.
      const texts = new Map<string, Promise<string>>()
      return {
        headers: headersOf(place ?? { isReplica: readings.asOf !== undefined, asOf: readings.asOf }),
        text(within) {
          const key = JSON.stringify(within ?? null)
          const text = texts.get(key) ?? textOf(sql, { readings, known, within, pressureLimits })
          texts.set(key, text)
          return text
        },
      }
    },
  }
}

const headersOf = ({ isReplica, asOf }: { isReplica: boolean; asOf: string | undefined }) => ({
  ...(isReplica && { [headers.readFrom]: 'replica' }),
  ...(asOf !== undefined && { [headers.asOf]: asOf }),
})

/** What is read of the jobs is left out where row-level security hides some of them. */
const hidden = { groups: undefined, readyAges: undefined, workers: undefined, counted: undefined } as const

interface Shown extends Pick<ServerContext, 'pressureLimits'> {
  readings: Readings
  known: KnownGroups
  within: TokenScope | undefined
}

async function textOf(sql: Pool, { readings: all, known: every, within, pressureLimits }: Shown): Promise<string> {
  const readings = within ? await readWithin(sql, all, within) : all
  const known = within ? { ...every, groups: every.groups.filter((group) => liesWithin(within, group)) } : every
  const texts: MetricTexts = []
  addGroups(texts, readings, known)
  if ('totals' in readings.history) addHistory(texts, readings.history.totals, known)
  if (!within) addDatabase(texts, readings, pressureLimits)
  if (!within) addEngines(texts, abilitiesOf(servedBy(sql)).places)
  const comments = missing(readings, within).map((sentence) => `# ${sentence}\n`)
  return `${texts.join('\n\n')}\n${comments.join('')}`
}

async function readWithin(sql: Pool, all: Readings, scope: TokenScope): Promise<Readings> {
  const readings = readingsWithin(all, scope)
  if (scope.job_types.length === 0 || !readings.groups) return readings
  return { ...readings, readyAges: await readOldestReadyOfTypes(sql, readings.groups) }
}

/** The groups that have or had jobs, and the queues without jobs that workers ask for or that somebody has stopped or throttled. */
function groupsIn({ groups = [], workers = [], stopped, throttles, history }: Readings): Group[] {
  const withJobs = new Set(groups.map(queueKey))
  const bare = new Map([...workers, ...stopped, ...throttles].map((one) => [queueKey(one), one]))
  return [
    ...groups,
    ...('totals' in history ? history.totals.transitions : []),
    ...[...bare]
      .filter(([key]) => !withJobs.has(key))
      .map(([, { domain, queue }]) => ({ domain, queue, job_type: '' })),
  ]
}

const lacksIndex = 'reading them takes too long; jobs-server indexes plan says whether an index is missing'

/** A sentence for each metric that this scrape lacks, and that the caller could have. */
const missing = (readings: Readings, within: TokenScope | undefined): string[] => [
  ...(readings.hides ? [`there is no series of jobs: ${readings.hides}`] : []),
  ...missingOfGroups(readings),
  ...(within
    ? [`the token is limited to ${scopeText(within)}: it gets no series of the whole database`]
    : missingOfDatabase(readings)),
]

const missingOfGroups = ({ groups, readyAges, workers, history }: Readings): string[] => [
  ...(groups && !readyAges ? [`jobsctl_oldest_ready_age_seconds is missing: ${lacksIndex}`] : []),
  ...(workers ? [] : [`jobsctl_workers is missing: ${lacksIndex}`]),
  ...('why' in history
    ? [`jobsctl_transitions_total, jobsctl_job_wait_seconds and jobsctl_job_run_seconds are missing: ${history.why}`]
    : []),
  ...(groups
    ? []
    : [
        'jobsctl_jobs and jobsctl_oldest_ready_age_seconds are missing: the counts are not exact, and counting the jobs takes too long',
      ]),
]

const missingOfDatabase = ({ counted, tasks }: Readings): string[] => [
  ...(counted ? [] : [`jobsctl_retrying_jobs and jobsctl_expired_leases are missing: ${lacksIndex}`]),
  ...(tasks.some(({ task }) => task === 'integrity')
    ? []
    : ['jobsctl_integrity_violations is missing: no server has checked the leases yet']),
  ...(tasks.some(({ task }) => task === 'records')
    ? []
    : ['jobsctl_records_intact is missing: no server has checked the records yet']),
]
