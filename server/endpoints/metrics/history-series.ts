import type { Sql } from '../../database/sql.ts'
import { bucketBounds, sumOfBucketArrays } from '../../history/buckets.ts'
import { readHistoryState } from '../../history/history-state.ts'
import { transitionOf } from '../../history/transition.ts'
import type { Group, KnownGroups } from './known-groups.ts'
import { addCounter, addHistogram, type MetricTexts } from './series.ts'

interface Moved {
  from_status: string
  to_status: string
}

/** The totals of history since it was first on. */
export interface HistoryTotals {
  /** For each group, how many jobs went from one status to another. */
  transitions: readonly (Group & { moves: readonly [from: string, to: string, jobs: number][] })[]
  /** Waits of jobs that were leased, and run times of attempts that ended. */
  durations: readonly (Moved & { domain: string; seconds: number; buckets: readonly number[] })[]
}

/** Reads the totals, or why history is not kept now. */
export async function readHistoryTotals(sql: Sql): Promise<{ totals: HistoryTotals } | { why: string }> {
  const [{ why }, transitions, durations] = await Promise.all([
    readHistoryState(sql),
    readTransitions(sql),
    readDurations(sql),
  ])
  return why === null ? { totals: { transitions, durations } } : { why }
}

/** One row a group: the driver takes three times as long for a row of each transition as PostgreSQL takes to put them together. */
const readTransitions = (sql: Sql) => sql<HistoryTotals['transitions'][number][]>`
  select domain, queue, job_type, json_agg(json_build_array(from_status, to_status, jobs)) as moves
  from jobsctl_history_totals
  group by domain, queue, job_type`

const readDurations = (sql: Sql) => sql<HistoryTotals['durations'][number][]>`
  select domain, from_status, to_status, (sum(milliseconds) / 1000)::float8 as seconds, ${sumOfBucketArrays(sql)} as buckets
  from jobsctl_history_totals
  where buckets is not null
  group by domain, from_status, to_status`

/** Adds what became of jobs: counters of transitions, and how long jobs waited and ran. */
export function addHistory(texts: MetricTexts, { transitions, durations }: HistoryTotals, known: KnownGroups): void {
  addCounter(texts, {
    name: 'jobsctl_transitions_total',
    help: 'Jobs that were made, leased, ended or queued again, by any program, since history was first on.',
    samples: transitions.flatMap(({ moves, ...group }) => {
      const labelsWith = known.labelsOfGroup(group)
      return moves.map(([from_status, to_status, jobs]) => ({
        labels: labelsWith(`event="${transitionOf({ from_status, to_status })}"`),
        value: jobs,
      }))
    }),
  })
  addHistogram(texts, {
    name: 'jobsctl_job_wait_seconds',
    help: 'How long jobs had waited since they were due when they were leased.',
    bounds: bucketBounds,
    samples: durations
      .filter(({ to_status }) => to_status === 'processing')
      .map(({ domain, ...times }) => ({ labels: known.labelsOfDomain(domain), ...times })),
  })
  addHistogram(texts, {
    name: 'jobsctl_job_run_seconds',
    help: 'How long jobs ran in attempts that ended, by the outcome of the attempt.',
    bounds: bucketBounds,
    samples: durations
      .filter(({ to_status }) => to_status !== 'processing')
      .map(({ domain, from_status, to_status, ...times }) => ({
        labels: `${known.labelsOfDomain(domain)},outcome="${transitionOf({ from_status, to_status })}"`,
        ...times,
      })),
  })
}
