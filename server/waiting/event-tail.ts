import { createFeed } from './feed.ts'

/** All events of the log with ids above `after`, up to `last`, as followers at the head of the log get them. */
export interface Batch<Event> {
  after: number
  last: number
  events: readonly Event[]
  /** Messages that are made once of these events, for all followers with the same key. */
  messages: Map<string, Uint8Array>
}

/** The head of the event log, which one read serves for all that follow it. */
export interface EventTail<Event> {
  /** A batch without events at the head as of now, from which a reader begins. */
  begin: () => Promise<Batch<Event>>
  /** The batch that goes on after `cursor`: one that is kept, or else the next one that is read after `seen`. */
  next: (cursor: number, seen: Batch<Event>) => Promise<Batch<Event>>
}

interface TailOptions<Event> {
  /** The id up to which the events are complete. */
  reached: () => Promise<number>
  /** The first events above `after` with ids up to `last`, and up to which id these are all events. */
  read: (after: number, last: number) => Promise<{ events: readonly Event[]; last: number }>
  /** The least time between the begin of two reads, in milliseconds; it is longer for more than 500 followers. */
  intervalMs: number
}

/** To write to a follower takes some 60 µs: to all of them an eighth of the processor time between two reads at most. */
const msOfFollower = 0.5

/** How many batches, and how many events in them, are kept for followers that write slowly. */
const [mostBatches, mostEvents] = [40, 20_000]
/** After so long without followers, in milliseconds, what came meanwhile is not read for all: each new follower has a place of its own. */
const idleMs = 30_000

export function createEventTail<Event>({ reached, read, intervalMs }: TailOptions<Event>): EventTail<Event> {
  let kept: Batch<Event>[] = []
  let readAt = Number.NEGATIVE_INFINITY
  /** The followers that have asked since the last read. */
  let asked = 0

  const readNext = async (): Promise<Batch<Event>> => {
    const [before, last] = [kept.at(-1), await reached()]
    const isIdle = performance.now() - readAt > idleMs
    readAt = performance.now()
    if (!before || isIdle || last < before.last) {
      const batch = emptyAt<Event>(last)
      kept = [batch]
      return batch
    }
    const found = last > before.last ? await read(before.last, last) : { events: [], last }
    const batch = { after: before.last, ...found, messages: new Map() }
    // A batch without an id is followed by the next one in its place.
    kept = batch.last > batch.after ? trimmed([...kept, batch]) : kept
    return batch
  }
  const interval = () => {
    const ms = Math.max(intervalMs, asked * msOfFollower)
    asked = 0
    return ms
  }
  const feed = createFeed<Batch<Event>>({ intervalMs: interval, restFactor: 0, read: readNext })
  return {
    begin: async () => emptyAt(await reached()),
    next: async (cursor, seen) => {
      asked += 1
      return kept.find(({ after, last }) => after <= cursor && cursor < last) ?? feed.after(seen)
    },
  }
}

const emptyAt = <Event>(id: number): Batch<Event> => ({ after: id, last: id, events: [], messages: new Map() })

function trimmed<Event>(batches: Batch<Event>[]): Batch<Event>[] {
  let from = Math.max(0, batches.length - mostBatches)
  let events = batches.slice(from).reduce((sum, batch) => sum + batch.events.length, 0)
  while (events > mostEvents && from < batches.length - 1) {
    events -= batches[from]?.events.length ?? 0
    from += 1
  }
  return batches.slice(from)
}
