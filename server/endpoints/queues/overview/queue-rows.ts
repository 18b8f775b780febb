import type { Overview, OverviewQueue } from '../../../../shared/queues/overview.ts'
import type { QueueFlow } from '../../../history/queue-minutes.ts'
import { queueKey } from '../../../waiting/long-poll.ts'
import type { readThrottles } from '../queues.ts'
import type { readStale } from '../stale.ts'
import type { QueueCounts } from './queue-counts.ts'

/** A queue that hands out no jobs. */
export interface StopRow {
  domain: string
  queue: string
  drain: boolean
  since: string | null
  by: string | null
  reason: string | null
}

/** What was read of the queues. */
interface Known {
  /** Undefined where it is not known. */
  flows: readonly QueueFlow[] | undefined
  stale: Awaited<ReturnType<typeof readStale>>
  throttles: Awaited<ReturnType<typeof readThrottles>>
  stops: readonly StopRow[]
  /** How many minutes the flows are of. */
  minutes: number
}

/** A queue as it is shown, and what became of its jobs within the minutes of the rates. */
export interface QueueRow {
  shown: OverviewQueue
  flow: QueueFlow | undefined
}

/** One row for each queue that has jobs, or had some within the last minutes, or is stopped. */
export function rowsOf(counts: readonly QueueCounts[], known: Known): QueueRow[] {
  const rows = new Map<string, QueueRow>()
  const rowOf = (name: { domain: string; queue: string }): QueueRow => {
    const key = queueKey(name)
    const there = rows.get(key)
    if (there) return there
    const row: QueueRow = { shown: emptyQueue(name, known.flows !== undefined), flow: undefined }
    rows.set(key, row)
    return row
  }
  for (const queue of counts) setCounts(rowOf(queue).shown, queue)
  for (const flow of known.flows ?? []) {
    const row = rowOf(flow)
    row.flow = flow
    setRates(row.shown, flow, known.minutes)
  }
  for (const { domain, queue, ...stop } of known.stops) rowOf({ domain, queue }).shown.stop = stop
  for (const { domain, queue = '', count } of known.stale) {
    if (domain !== null) rowOf({ domain, queue }).shown.expired = count
  }
  for (const { running, per_minute, ...name } of known.throttles) {
    const row = rows.get(queueKey(name))
    if (row) row.shown.throttle = { running, per_minute }
  }
  return [...rows.values()]
}

/** The rates of a queue of which no history tells are unknown; one that is not in a history did nothing. */
function emptyQueue({ domain, queue }: { domain: string; queue: string }, isKnown: boolean): OverviewQueue {
  const rate = isKnown ? 0 : null
  return {
    domain,
    queue,
    job_types: 0,
    types: [],
    waiting: 0,
    scheduled: 0,
    running: 0,
    quarantined: 0,
    in_per_minute: rate,
    done_per_minute: rate,
    failed_per_minute: rate,
    oldest_due: null,
    expired: 0,
    stop: null,
    throttle: null,
    no_worker_since: null,
  }
}

function setCounts(shown: OverviewQueue, counts: QueueCounts): void {
  shown.job_types = counts.job_types
  shown.types = counts.types
  shown.waiting = counts.queued
  shown.scheduled = counts.scheduled
  shown.running = counts.processing
  shown.quarantined = counts.quarantined
  shown.oldest_due = counts.oldest_due
  if (counts.failed !== undefined) shown.failed = counts.failed
  if (counts.unmapped) shown.unmapped = counts.unmapped
}

const rates = ['in_per_minute', 'done_per_minute', 'failed_per_minute'] as const

function setRates(shown: OverviewQueue, { came, done, failed }: QueueFlow, minutes: number): void {
  shown.in_per_minute = perMinute(came, minutes)
  shown.done_per_minute = perMinute(done, minutes)
  shown.failed_per_minute = perMinute(failed, minutes)
}

/** With one digit after the point. */
const perMinute = (jobs: number | null, minutes: number): number | null =>
  jobs === null ? null : Math.round((10 * jobs) / minutes) / 10

/** The sums of all queues. A rate that one of them does not tell is not known. */
export function totalsOf(rows: readonly QueueRow[], isKnown: boolean): Overview['totals'] {
  const sumOf = (name: 'waiting' | 'scheduled' | 'running' | 'quarantined' | 'expired') =>
    rows.reduce((sum, { shown }) => sum + shown[name], 0)
  const rateOf = (name: (typeof rates)[number]) => {
    const sum = rows.reduce<number | null>(
      (all, { shown }) => (all === null || shown[name] === null ? null : all + shown[name]),
      isKnown ? 0 : null,
    )
    return sum === null ? null : Math.round(10 * sum) / 10
  }
  return {
    queues: rows.length,
    waiting: sumOf('waiting'),
    scheduled: sumOf('scheduled'),
    running: sumOf('running'),
    quarantined: sumOf('quarantined'),
    in_per_minute: rateOf('in_per_minute'),
    done_per_minute: rateOf('done_per_minute'),
    failed_per_minute: rateOf('failed_per_minute'),
    expired: sumOf('expired'),
  }
}
