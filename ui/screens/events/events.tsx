import { useState } from 'preact/hooks'
import type { JobEvent } from '../../../shared/records/events.ts'
import { Copy } from '../../parts/controls.tsx'
import { FilterChips, UnknownParameters } from '../../parts/filter.tsx'
import { FilterBox } from '../../parts/filter-box.tsx'
import type { Filter } from '../../parts/filter-words.ts'
import { addressOf, navigate, query } from '../../state/address.ts'
import { namesOf } from '../../state/names.ts'
import { EventPage } from './event-page.tsx'
import { commandOf, filterFields, filterOf, names, shownIn } from './place.ts'
import { Tail } from './tail.tsx'

/** The events of a tail that was paused, and the address that shows the same. */
interface Held {
  address: string
  events: readonly JobEvent[]
}

/*
 * The questions of this screen, in their order:
 *   1. What happens now?                    the last events, and new ones as they come; Pause keeps them
 *   2. What happened then, or to this job?  a page of the log that stays: after an event, before one, since a time
 *   3. Who did it, and with what?           the caller, and the rest of the event on one line; its id leads to all of it
 */

/** The event log: new events as they come, or a page of it that stays. What it shows is in the address. */
export function Events() {
  const params = query.value
  const shown = shownIn(params)
  const [held, hold] = useState<Held>({ address: '', events: [] })
  const filter = filterOf(shown)
  const command = commandOf(shown)
  const show = (fields: Filter) => {
    const goesOn = shown.follows && shown.after !== undefined && fields.after === shown.after
    navigate(addressOf('/events', { ...fields, follow: goesOn ? 'true' : undefined }))
  }
  const fields = { fields: filterFields, filter, onChange: show }
  return (
    <>
      <UnknownParameters known={names} />
      <section class="filter chips" aria-label="Filter">
        <FilterChips {...fields} />
        <FilterBox {...fields} example="domain:mail since:1h" valuesOf={namesOf} />
        {command && <Copy text={command}>Copy as jobsctl</Copy>}
      </section>
      {shown.follows ? (
        <Tail key={JSON.stringify(shown)} shown={shown} onPause={(address, events) => hold({ address, events })} />
      ) : (
        <EventPage shown={shown} held={held.address === `/events?${params}` ? held.events : []} />
      )}
    </>
  )
}
