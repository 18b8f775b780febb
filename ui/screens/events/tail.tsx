import { useEffect, useState } from 'preact/hooks'
import type { JobEvent } from '../../../shared/records/events.ts'
import { endOfLog, followEvents, keptEvents, readEvents } from '../../api/event-tail.ts'
import { Problem } from '../../api/problem.ts'
import { Button, Link } from '../../parts/controls.tsx'
import { ProblemNote } from '../../parts/problem.tsx'
import { navigate } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { thatYouSee } from '../../state/session.ts'
import { EventTable } from './event-table.tsx'
import { addressOfEvents, type Shown } from './place.ts'

/** How many of the last events a tail begins with. */
const presetLast = 50

interface TailProps {
  shown: Shown
  /** Told where the tail pauses, and the events that stay. */
  onPause: (address: string, events: readonly JobEvent[]) => void
}

/** Finds where the tail begins: after the id of the address, or with the last events. */
export function Tail({ shown, onPause }: TailProps) {
  const { scope, after, limit } = shown
  const { data, problem, reload } = useLoad(JSON.stringify([scope, after, limit]), async (signal) => {
    if (after !== undefined) return { after: idOf(after), known: [] }
    const last = Math.min(Number(limit ?? presetLast), keptEvents)
    const known = await readEvents(scope, { before_id: endOfLog }, last, signal)
    return { after: known.at(-1)?.id ?? 0, known }
  })
  if (problem) return <ProblemNote problem={problem} onRetry={reload} />
  return data ? <Following key={data.after} {...{ shown, onPause }} begin={data} /> : <p role="status">Loading…</p>
}

interface FollowingProps extends TailProps {
  begin: Parameters<typeof followEvents>[1]
}

function Following({ shown, onPause, begin }: FollowingProps) {
  const { scope } = shown
  const [following, setFollowing] = useState<ReturnType<typeof followEvents>>()
  useEffect(() => {
    const next = followEvents(scope, begin)
    setFollowing(next)
    return next.end
  }, [])
  const { events, came, missing } = following?.tail.value ?? { events: begin.known, came: 0, missing: undefined }
  const first = events[0]
  const pause = () => {
    const place = first
      ? { after: first.id - 1, limit: String(events.length) }
      : { after: begin.after, limit: shown.limit ?? String(presetLast) }
    const address = addressOfEvents(shown, place)
    onPause(address, events)
    navigate(address)
  }
  return (
    <>
      <div class="bar">
        <Button onClick={pause}>Pause</Button>
        {first && <Link to={addressOfEvents(shown, { before: first.id })}>Older</Link>}
        <span class="faint" role="status">
          {sentenceOf(following?.isLive.value)}
        </span>
        <span class="faint">
          {came.toLocaleString('en')} new{came > keptEvents && `; the last ${keptEvents} are shown`}
        </span>
      </div>
      {following?.problem.value && <ProblemNote problem={following.problem.value} />}
      {missing && (
        <p class="note care">
          {missing === 'expired'
            ? 'Events after this place have been deleted, since their term was over. Those that are kept follow.'
            : 'The event log has given out no id that high: the address is of another log, or of a lost part of this one. New events follow.'}
        </p>
      )}
      {events.length === 0 ? (
        <p class="empty">No event{thatYouSee()} yet. New ones are shown as they come.</p>
      ) : (
        <EventTable events={events} follows />
      )}
    </>
  )
}

const sentenceOf = (isLive: boolean | undefined): string =>
  isLive ? 'Live' : isLive === undefined ? 'Connecting…' : 'The server does not answer, and is asked again'

/** @throws Problem for a text that is no id */
function idOf(text: string): number {
  const id = Number(text)
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(id)) return id
  throw new Problem({ code: 'invalid_request', detail: `“${text}” is not the id of an event.` }, 0)
}
