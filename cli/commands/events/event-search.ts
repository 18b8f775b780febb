import { Failure } from '../../../shared/errors.ts'
import type { JobEvent } from '../../../shared/records/events.ts'
import { firstEvents, type ReadEvents } from './event-log.ts'

/** The first event after an id, where the place to find lies at that event or behind it. */
type Probe = (after: number) => Promise<JobEvent | undefined>

/** The id after which the last `n` events are; 0 when there are no more than that. */
export async function beforeLast(read: ReadEvents, n: number): Promise<number> {
  const end = await lastOf(firstAfter(read))
  const enough: Probe = async (after) => {
    const events = await firstEvents(read, after, n)
    return events.length < n ? undefined : events[0]
  }
  // Ids have gaps, and a filter makes them wide: look back twice as far each time.
  let high = end - n + 1
  for (let back = n; ; back *= 2) {
    const low = Math.max(0, end - back)
    const first = await enough(low)
    if (first) return byHalves(enough, first.id - 1, high)
    if (low === 0) return 0
    high = low
  }
}

/** The id of the last event that is older than a time; 0 when none is. */
export const beforeTime = (read: ReadEvents, time: number): Promise<number> =>
  lastOf(async (after) => {
    const first = await firstAfter(read)(after)
    return first && Date.parse(first.created_at ?? '') < time ? first : undefined
  })

/** A probe for any event. Servers answer `events_reset` for an id beyond the end of their log. */
const firstAfter =
  (read: ReadEvents): Probe =>
  async (after) => {
    try {
      return (await firstEvents(read, after, 1))[0]
    } catch (error) {
      if (error instanceof Failure && error.code === 'events_reset') return undefined
      throw error
    }
  }

/** The id of the last event that the probe still finds; 0 when it finds none. */
async function lastOf(probe: Probe): Promise<number> {
  let first = await probe(0)
  if (!first) return 0
  for (let step = 1; ; step *= 2) {
    const low = first.id - 1
    const high = Math.min(low + step, Number.MAX_SAFE_INTEGER)
    first = await probe(high)
    if (!first) return 1 + (await byHalves(probe, low, high))
  }
}

/** The largest id at which the probe finds something: it does so at `low`, and not at `high`. */
async function byHalves(probe: Probe, low: number, high: number): Promise<number> {
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    const first = await probe(middle)
    if (first) low = first.id - 1
    else high = middle
  }
  return low
}
