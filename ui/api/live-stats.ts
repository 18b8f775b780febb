import { signal } from '@preact/signals'
import type { Level, StatsFrame } from '../../shared/queues/stats-stream.ts'
import type { Scope } from '../../shared/scope.ts'
import { addressOf } from '../state/address.ts'
import { parseJson } from './json.ts'
import { keepStream } from './live-stream.ts'

export type LiveGroup = StatsFrame['groups'][number]

/** The counts of all groups as of one time, with what is stopped and what runs. */
export interface LiveStats {
  as_of: string
  /** What a group is: a job type, or the sums of a queue or of a domain where there are too many of these. */
  level: Level
  groups: ReadonlyMap<string, LiveGroup>
  stopped: NonNullable<StatsFrame['stopped']>
  operations: NonNullable<StatsFrame['operations']>
}

const keyOf = ({ domain, queue, job_type }: Pick<LiveGroup, 'domain' | 'queue' | 'job_type'>): string =>
  JSON.stringify([domain, queue, job_type])

/** The stats after a further frame. */
function applyFrame(before: LiveStats | undefined, frame: StatsFrame, isFull: boolean): LiveStats {
  const groups = new Map(isFull ? [] : before?.groups)
  for (const group of frame.gone) groups.delete(keyOf(group))
  for (const group of frame.groups) groups.set(keyOf(group), group)
  return {
    as_of: frame.as_of,
    groups,
    level: frame.level ?? before?.level ?? 'job_type',
    stopped: frame.stopped ?? before?.stopped ?? [],
    operations: frame.operations ?? before?.operations ?? [],
  }
}

/** Above this number of groups their sums are sent, by queue or by domain: a page of all would be slow to send and to draw each second. */
const mostGroups = 300

/**
 * Follows the counts as long as this tab is seen.
 * @param scope only the counts of this domain or queue
 * @returns a signal of the stats, and what `keepStream` returns
 */
export function followStats(scope: Pick<Scope, 'domain' | 'queue'>) {
  const stats = signal<LiveStats | undefined>(undefined)
  const take = (isFull: boolean) => (message: MessageEvent<string>) => {
    stats.value = applyFrame(stats.value, frameOf(message.data), isFull)
  }
  const path = addressOf('/api/v1/jobs/stats/stream', { ...scope, most: String(mostGroups) })
  return { stats, ...keepStream(() => path, { full: take(true), changes: take(false) }) }
}

/** The server keeps the contract of `StatsFrame`. */
const frameOf = (text: string): StatsFrame => parseJson(text) as StatsFrame
