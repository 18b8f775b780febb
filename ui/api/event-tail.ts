import { signal } from '@preact/signals'
import type { JobEvent } from '../../shared/records/events.ts'
import type { Scope } from '../../shared/scope.ts'
import { addressOf } from '../state/address.ts'
import { callWithHeaders } from './call.ts'
import { parseJson } from './json.ts'
import { keepStream } from './live-stream.ts'

/** The most events that a tail keeps. More would slow down the page, and nobody reads that many rows as they come. */
export const keptEvents = 200
/** The least time after a drawing, in milliseconds, and for each row that was new in it: a log can grow by a thousand events a second. */
const [drawMs, rowMs] = [500, 20]

interface Tail {
  /** The last events, the oldest first. */
  events: readonly JobEvent[]
  /** How many have come since the stream was opened first, those included that are not kept. */
  came: number
  /** Why events before these were not sent. */
  missing: 'expired' | 'reset' | undefined
}

interface Beginning {
  /** The id of an event; the stream begins with the next one. */
  after: number
  /** The events up to there that are known already. */
  known: readonly JobEvent[]
}

/**
 * Follows the event log as long as this tab is seen, in the order of the ids. A stream that was cut off goes on after the last event, so that
 * none is missing and none comes twice.
 * @returns a signal of the last events, and what `keepStream` returns
 */
export function followEvents(scope: Scope, { after, known }: Beginning) {
  const tail = signal<Tail>({ events: known, came: 0, missing: undefined })
  let cursor = after
  let came = 0
  /** What has come since the last drawing, as it was sent: most of a flood is never shown, and need not be parsed. */
  let waiting: string[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let drawnAt = Number.NEGATIVE_INFINITY
  let pauseMs = drawMs
  const draw = () => {
    timer = undefined
    drawnAt = performance.now()
    const { events, ...rest } = tail.value
    tail.value = { ...rest, came, events: [...events, ...waiting.slice(-keptEvents).map(eventOf)].slice(-keptEvents) }
    pauseMs = Math.max(drawMs, rowMs * Math.min(waiting.length, keptEvents))
    waiting = []
  }
  const take = ({ data, lastEventId }: MessageEvent<string>) => {
    cursor = Number(lastEventId)
    came += 1
    waiting.push(data)
    if (waiting.length >= 2 * keptEvents) waiting = waiting.slice(-keptEvents)
    timer ??= setTimeout(draw, Math.max(50, drawnAt + pauseMs - performance.now()))
  }
  const skip =
    (missing: Tail['missing']) =>
    ({ lastEventId }: MessageEvent<string>) => {
      cursor = Number(lastEventId)
      tail.value = { ...tail.value, missing }
    }
  const path = () => addressOf('/api/v1/jobs/events/stream', { ...scope, after_id: String(cursor) })
  const stream = keepStream(path, { job: take, expired: skip('expired'), reset: skip('reset') })
  const end = () => {
    clearTimeout(timer)
    stream.end()
  }
  return { ...stream, tail, end }
}

/** The server keeps the contract of `streamedEvent`. */
const eventOf = (text: string): JobEvent => parseJson(text) as JobEvent

/** Where a page of the log is: after or before the id of an event. */
export type Place = { after_id: number } | { before_id: number }

/** Reads a page of the log, the oldest event first. Where a search takes long, it goes on in further calls until an event is found. */
export async function readEvents(
  scope: Scope,
  place: Place,
  limit: number,
  signal?: AbortSignal,
): Promise<readonly JobEvent[]> {
  for (let at = place; ; ) {
    const fields = { ...scope, ...at, limit, skip_expired: true, partial: true }
    const { answer, headers } = await callWithHeaders('events', fields, { signal })
    const next = headers.get('X-Next-After')
    if (answer.length > 0 || next === null) return answer
    at = 'before_id' in at ? { before_id: Number(next) } : { after_id: Number(next) }
  }
}

/** Before this id are all events. */
export const endOfLog = Number.MAX_SAFE_INTEGER

/** The id after which the events since a time are, found by halving. */
export async function placeOfTime(scope: Scope, time: number, signal: AbortSignal): Promise<number> {
  const isOlder = ({ created_at }: JobEvent) => Date.parse(created_at ?? '') < time
  const [newest] = await readEvents(scope, { before_id: endOfLog }, 1, signal)
  if (!newest) return 0
  if (isOlder(newest)) return newest.id
  // The event after `high` is not older than the time, or there is none.
  let [low, high] = [0, newest.id - 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [event] = await readEvents(scope, { after_id: middle }, 1, signal)
    if (event && isOlder(event)) low = event.id
    else high = middle
  }
  return high
}
