import type { EventCursor } from '../../records/event-cursors.ts'
import { escaped } from '../../text/escape.ts'
import { units } from '../../times/duration.ts'
import { ago } from '../../times/time-and-size.ts'
import type { Finding } from './finding.ts'

const dayMs = 1000 * units.d
/** Events stay for 7 days beyond their term where a registered reader has not read them. */
const daysUntilLoss = 7

/** The registered readers of the event log, and how far each is behind, in words. `now` is in milliseconds. */
export function findingOfReaders(cursors: readonly EventCursor[], now: number): Finding {
  if (cursors.length === 0) return { detail: 'no registered readers of the event log', hint: undefined }
  const late = cursors.find((cursor) => behindMs(cursor, now) > dayMs)
  const detail = cursors.map((cursor) => `${escaped(cursor.name)} ${positionText(cursor, now)}`).join('; ')
  if (!late) return { detail, hint: undefined }
  const name = escaped(late.name)
  return {
    detail,
    hint: `start the reader ${name} again: its events end ${daysUntilLoss} days after their term; where it is gone, forget it: jobsctl events --forget ${name}`,
  }
}

const behindMs = ({ next_event_at }: EventCursor, now: number): number =>
  next_event_at === null ? 0 : Math.max(0, now - Date.parse(next_event_at) || 0)

const positionText = ({ after_id, next_event_at }: EventCursor, now: number): string =>
  next_event_at === null
    ? `at ${after_id}, has read everything`
    : `at ${after_id}, its next event was ${escaped(ago(next_event_at, now))}`
