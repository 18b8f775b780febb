import type { JobEvent } from '../../../shared/records/events.ts'
import { type Place, placeOfTime, readEvents } from '../../api/event-tail.ts'
import { timeOf } from '../../api/time-of.ts'
import { Button, Link } from '../../parts/controls.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { Freshness } from '../../parts/times.tsx'
import { Json } from '../../parts/values.tsx'
import { navigate } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { thatYouSee } from '../../state/session.ts'
import { EventTable } from './event-table.tsx'
import { addressOfEvents, type Shown } from './place.ts'

const presetLimit = 50

interface EventPageProps {
  shown: Shown
  /** What is shown until the page has loaded. */
  held: readonly JobEvent[]
}

/** A page of the log that stays as it is: after or before an event, or since a time. */
export function EventPage({ shown, held }: EventPageProps) {
  const { scope, limit } = shown
  const key = JSON.stringify([scope, shown.after, shown.before, shown.since, limit])
  const read = useLoad(key, async (signal) => {
    const place = await placeOf(shown, signal)
    return { key, place, events: await readEvents(scope, place, Number(limit ?? presetLimit), signal) }
  })
  const { data, problem, reload } = read
  const loaded = data?.key === key ? data : undefined
  const events = loaded?.events ?? held
  const [first, last] = [events[0], events.at(-1)]
  const begin = first ? first.id - 1 : loaded && 'after_id' in loaded.place ? loaded.place.after_id : 0
  return (
    <>
      <div class="bar">
        <Button class="primary" onClick={() => navigate(addressOfEvents(shown, { after: begin, follow: true }))}>
          Go on from here
        </Button>
        <Link to={addressOfEvents(shown)}>To the newest</Link>
        {first && <Link to={addressOfEvents(shown, { before: first.id, limit })}>Older</Link>}
        {last && <Link to={addressOfEvents(shown, { after: last.id, limit })}>Newer</Link>}
        {(loaded || problem) && <span class="faint">Paused</span>}
        <Freshness {...read} />
      </div>
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
      {events.length > 0 && <EventTable events={events} />}
      {loaded && events.length === 0 && (
        <p class="empty">There is no event{thatYouSee()} at this place, or none yet.</p>
      )}
      {events.length === 1 && <Json value={first} />}
    </>
  )
}

async function placeOf({ scope, after, before, since }: Shown, signal: AbortSignal): Promise<Place> {
  if (before !== undefined) return { before_id: Number(before) }
  if (after !== undefined || since === undefined) return { after_id: Number(after ?? 0) }
  return { after_id: await placeOfTime(scope, Date.parse(await timeOf(since, signal)), signal) }
}
