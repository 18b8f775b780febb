import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { sections } from '../screens/all.tsx'
import { addressOf, addressOfJob, navigate } from '../state/address.ts'
import { can } from '../state/engine.ts'
import { overview } from '../state/overview.ts'
import { may } from '../state/session.ts'

/** A place that the words of the search may mean. */
interface Place {
  label: string
  kind: string
  to: string
}

const mostPlaces = 12
const uuid = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i

/** The places that words may mean, the most likely first: a job, a change, failed jobs by their error, queues, job types and screens. */
function placesOf(words: string): Place[] {
  const text = words.trim()
  if (text === '') return []
  const error = /^error:\s*(.+)$/i.exec(text)?.[1]
  if (error) {
    const message = error.replace(/^"(.*)"$/, '$1')
    return [{ label: message, kind: 'failed jobs with', to: addressOf('/jobs', { status: 'failed', error: message }) }]
  }
  const change = /^(?:#|operation |change )?(\d{1,16})$/i.exec(text)?.[1]
  const isBare = change === text
  const job = { label: text, kind: 'job', to: addressOfJob(text) }
  const part = text.toLowerCase()
  const matches = (name: string) => name.toLowerCase().includes(part)
  const queues = (overview.value?.queues ?? []).filter(({ domain, queue }) => domain !== '' && queue !== '')
  const types = new Set(queues.flatMap((queue) => queue.types).filter(matches))
  return [
    ...(isBare || uuid.test(text) ? [job] : []),
    ...(change && may('records') ? [{ label: change, kind: 'operation', to: `/operations/${change}` }] : []),
    ...queues
      .filter(({ domain, queue }) => matches(`${domain}/${queue}`))
      .map(({ domain, queue }) => ({
        label: `${domain}/${queue}`,
        kind: 'queue',
        to: addressOf('/queue', { domain, queue }),
      })),
    ...[...types].map((job_type) => ({ label: job_type, kind: 'job type', to: addressOf('/jobs', { job_type }) })),
    ...sections
      .filter(({ label, needs, verb }) => matches(label) && may(needs) && can(verb))
      .map(({ label, to }) => ({ label, kind: 'screen', to })),
    // The key of a job of an engine has its queue before its id.
    ...(text.includes('/') && !uuid.test(text) ? [job] : []),
    { label: text, kind: 'failed jobs with', to: addressOf('/jobs', { status: 'failed', error: text }) },
  ].slice(0, mostPlaces)
}

/** One field that leads anywhere: `/` or Ctrl+K goes to it. */
export function Search() {
  const field = useRef<HTMLInputElement>(null)
  const list = useId()
  const [words, setWords] = useState('')
  const [isOpen, setOpen] = useState(false)
  const [chosen, setChosen] = useState(0)
  const places = isOpen ? placesOf(words) : []
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches('input, select, textarea')
      const isSlash = event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey
      if (!isSlash && !(event.key === 'k' && (event.ctrlKey || event.metaKey))) return
      event.preventDefault()
      field.current?.focus()
      field.current?.select()
    }
    addEventListener('keydown', focus)
    return () => removeEventListener('keydown', focus)
  }, [])
  const go = (place: Place | undefined) => {
    if (!place) return
    setWords('')
    setOpen(false)
    navigate(place.to)
  }
  const press = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0 && places.length > 0) {
      event.preventDefault()
      setChosen((chosen + step + places.length) % places.length)
    } else if (event.key === 'Escape') setOpen(false)
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: the element search is younger than the browsers that are served
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        go(places[chosen] ?? placesOf(words)[0])
      }}
    >
      <input
        ref={field}
        role="combobox"
        aria-label="Search"
        aria-expanded={places.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={places.length > 0 ? `${list}-${chosen}` : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder="Job id, uuid, queue, or error: text …"
        value={words}
        onInput={({ currentTarget }) => {
          setWords(currentTarget.value)
          setChosen(0)
          setOpen(true)
        }}
        onKeyDown={press}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
      />
      <div id={list} role="listbox" aria-label="Places" class="places" hidden={places.length === 0}>
        {places.map((place, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field
          // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus, and names the active option
          <div
            key={`${place.kind} ${place.to}`}
            id={`${list}-${at}`}
            role="option"
            aria-selected={at === chosen}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => go(place)}
          >
            <span class="faint">{place.kind}</span> <bdi>{place.label}</bdi>
          </div>
        ))}
      </div>
    </form>
  )
}
