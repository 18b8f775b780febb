import type { StoppedQueue } from '../../../shared/queues/queues.ts'
import type { GroupStats } from '../../../shared/queues/stats.ts'
import type { LiveGroup, RunningChange, StatsFrame } from '../../../shared/queues/stats-stream.ts'

/** A group of a frame. A server without the stream sends the counts alone. */
export type TopGroup = GroupStats & Partial<Omit<LiveGroup, keyof GroupStats>>

/** A frame, or the counts of a server without the stream. */
export type TopFrame = Omit<StatsFrame, 'groups'> & { groups: readonly TopGroup[] }

/** The counters of a group at a time, in milliseconds of a monotonic clock. */
interface Sample {
  at: number
  entered: number
  ended: number
  untold: number
}

interface Tracked {
  group: TopGroup
  /** The samples of the last half minute, and one before them. */
  samples: Sample[]
  /** The queued jobs, second by second, the newest last. */
  waiting: number[]
}

/** Jobs a second; `hidden` where jobs came or went without an event, or the server counts none. */
export type Rate = number | 'hidden' | 'unknown'

/** A row of the screen. */
export interface TopRow {
  key: string
  group: TopGroup
  entered: Rate
  ended: Rate
  /** The queued jobs, second by second, the newest last. */
  waiting: readonly number[]
}

/** What is known of the queues. */
export interface TopModel {
  /** Takes a frame; `isFull` says that the frame has everything. */
  take: (frame: TopFrame, isFull: boolean, now: number) => void
  /** Adds a second to the history of each group. */
  tick: () => void
  rows: (now: number) => TopRow[]
  stopped: () => readonly StoppedQueue[]
  operations: () => readonly RunningChange[]
}

/** The time over which rates are measured, in milliseconds. */
const rateMs = 10_000
/** A rate stays hidden for this long after jobs came or went without an event. */
const hiddenMs = 30_000
/** The longest history of a sparkline, in seconds. */
const longestHistory = 60

const keyOf = ({ domain, queue, job_type }: Pick<GroupStats, 'domain' | 'queue' | 'job_type'>): string =>
  JSON.stringify([domain, queue, job_type])

/** A model that nothing is known of yet. */
export function createModel(): TopModel {
  let groups = new Map<string, Tracked>()
  let stopped: readonly StoppedQueue[] = []
  let operations: readonly RunningChange[] = []
  return {
    take(frame, isFull, now) {
      const before = groups
      if (isFull) groups = new Map()
      for (const group of frame.groups) {
        const key = keyOf(group)
        const known = before.get(key)
        // The counters of a full frame may start at 0 again, since another server may have counted before.
        const samples = isFull || !known ? [] : known.samples
        groups.set(key, { group, samples: sampled(samples, group, now), waiting: known?.waiting ?? [group.queued] })
      }
      for (const gone of frame.gone) groups.delete(keyOf(gone))
      stopped = frame.stopped ?? stopped
      operations = frame.operations ?? operations
    },
    tick() {
      for (const tracked of groups.values())
        tracked.waiting = [...tracked.waiting, tracked.group.queued].slice(-longestHistory)
    },
    rows: (now) => [...groups].map(([key, tracked]) => rowOf(key, tracked, now)),
    stopped: () => stopped,
    operations: () => operations,
  }
}

function sampled(samples: readonly Sample[], { entered, ended, untold }: TopGroup, now: number): Sample[] {
  if (entered === undefined || ended === undefined || untold === undefined) return []
  const oldest = samples.findLastIndex(({ at }) => at < now - hiddenMs)
  return [...samples.slice(Math.max(0, oldest)), { at: now, entered, ended, untold }]
}

function rowOf(key: string, { group, samples, waiting }: Tracked, now: number): TopRow {
  const rate = (field: 'entered' | 'ended'): Rate => rateOf(samples, field, now)
  return { key, group, entered: rate('entered'), ended: rate('ended'), waiting }
}

function rateOf(samples: readonly Sample[], field: 'entered' | 'ended', now: number): Rate {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last) return 'hidden'
  const before = (ms: number) => samples.findLast(({ at }) => at <= now - ms) ?? first
  if (last.untold > before(hiddenMs).untold) return 'hidden'
  // Counters that have not changed are not sent again: the last sample is as of now.
  const from = before(rateMs)
  const seconds = Math.min(rateMs, now - first.at) / 1000
  return seconds < 1 ? 'unknown' : Math.max(0, last[field] - from[field]) / seconds
}
