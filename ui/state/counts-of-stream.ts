import type { Overview } from '../../shared/queues/overview.ts'
import { earliest } from '../../shared/times/earliest.ts'
import type { LiveGroup, LiveStats } from '../api/live-stats.ts'

type Counts = Pick<Overview['totals'], 'waiting' | 'scheduled' | 'running' | 'quarantined'>

const none: Counts = { waiting: 0, scheduled: 0, running: 0, quarantined: 0 }

const sumOf = (groups: readonly LiveGroup[]): Counts =>
  groups.reduce(
    (sum, { queued, scheduled, processing, quarantined }) => ({
      waiting: sum.waiting + queued,
      scheduled: sum.scheduled + scheduled,
      running: sum.running + processing,
      quarantined: sum.quarantined + quarantined,
    }),
    none,
  )

const keyOf = ({ domain, queue }: Pick<LiveGroup, 'domain' | 'queue'>) => JSON.stringify([domain, queue])

/**
 * The overview with the counts of the stream in place of its own. A stream that has the sums of domains alone, since there are many queues, gives the totals.
 * @returns with whether the stream has a queue that the overview has not
 */
export function withCounts(overview: Overview, live: LiveStats): { overview: Overview; hasOthers: boolean } {
  const groups = [...live.groups.values()]
  const counted = { ...overview, as_of: live.as_of, totals: { ...overview.totals, ...sumOf(groups) } }
  if (live.level === 'domain') return { overview: counted, hasOthers: false }
  const byQueue = Map.groupBy(groups, keyOf)
  const known = new Set(overview.queues.map(keyOf))
  const isCut = overview.queues.length < overview.totals.queues
  return {
    overview: {
      ...counted,
      queues: overview.queues.map((row) => {
        const ofQueue = byQueue.get(keyOf(row)) ?? []
        const oldest_due = earliest(ofQueue.flatMap((group) => group.oldest_due ?? [])) ?? null
        return { ...row, ...sumOf(ofQueue), oldest_due }
      }),
    },
    hasOthers: !isCut && [...byQueue.keys()].some((key) => !known.has(key)),
  }
}
