import type { JobEvent } from '../../../shared/records/events.ts'
import type { Context } from '../../context.ts'
import { columns, columnsForPeople, dayOf } from './event-columns.ts'

/** Writes a part of the log; `raw` is the answer of the API. */
type Write = (events: readonly JobEvent[], raw: unknown) => void

/** Writes events page by page. For a person each day has its date above its first event, once. */
export function eventWriter({ print }: Context): Write {
  const write = print.growing({ columns, forPeople: columnsForPeople })
  if (!print.forPeople) return write
  let day: string | undefined
  return (events, raw) => {
    for (const part of partsOf(events)) {
      const next = part[0] && dayOf(part[0])
      const isNew = next !== undefined && next !== day
      day = next ?? day
      write(part, raw, isNew ? `${next} UTC` : undefined)
    }
  }
}

/** The events in parts of one day; an event without a time belongs to the part before it. */
function partsOf(events: readonly JobEvent[]): JobEvent[][] {
  const parts: JobEvent[][] = []
  let day: string | undefined
  for (const event of events) {
    const next = dayOf(event) ?? day
    const part = parts.at(-1)
    if (part && next === day) part.push(event)
    else parts.push([event])
    day = next
  }
  return parts
}
