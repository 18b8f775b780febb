import { useState } from 'preact/hooks'
import { addressOf, navigate } from '../../state/address.ts'
import { type FilterField, filterFields, jobStates } from './filter-fields.ts'

interface FilterBarProps {
  /** The fields of the filter that the address has. */
  filter: Readonly<Record<string, string>>
  /** The other parameters of the address that stay, such as the order. */
  rest: Readonly<Record<string, string | undefined>>
}

/** The filter: what is set, as words that go away by a click, and a form for more. The address changes, and nothing else. */
export function FilterBar({ filter, rest }: FilterBarProps) {
  const show = (fields: Readonly<Record<string, string | undefined>>) =>
    navigate(addressOf('/jobs', { ...fields, ...rest }))
  return (
    <section class="filter" aria-label="Filter">
      <div class="chips">
        {jobStates.map((state) => (
          <StateToggle key={state} state={state} filter={filter} onChange={show} />
        ))}
        {Object.entries(filter)
          .filter(([name]) => name !== 'status')
          .map(([name, value]) => (
            <button key={name} type="button" class="chip" onClick={() => show({ ...filter, [name]: undefined })}>
              {labelOf(name)}: <b>{value}</b> <span aria-hidden="true">×</span>
              <span class="hidden">remove this filter</span>
            </button>
          ))}
        <AddFilter onAdd={(name, value) => show({ ...filter, [name]: value })} />
      </div>
    </section>
  )
}

const labelOf = (name: string): string => filterFields.find((field) => field.name === name)?.label ?? name

interface StateToggleProps {
  state: string
  filter: Readonly<Record<string, string>>
  onChange: (filter: Readonly<Record<string, string | undefined>>) => void
}

function StateToggle({ state, filter, onChange }: StateToggleProps) {
  const chosen = (filter.status ?? '').split(',').filter((name) => name !== '')
  const isChosen = chosen.includes(state)
  const next = isChosen ? chosen.filter((name) => name !== state) : [...chosen, state]
  return (
    <button
      type="button"
      class="chip toggle"
      aria-pressed={isChosen}
      onClick={() => onChange({ ...filter, status: next.join(',') })}
    >
      {state}
    </button>
  )
}

const payloadField = 'payload'

function AddFilter({ onAdd }: { onAdd: (name: string, value: string) => void }) {
  const [name, setName] = useState('domain')
  const [value, setValue] = useState('')
  const [path, setPath] = useState('')
  const field: FilterField | undefined = filterFields.find((one) => one.name === name)
  const submit = (event: Event) => {
    event.preventDefault()
    const text = value.trim()
    if (text === '' || (name === payloadField && path.trim() === '')) return
    onAdd(name === payloadField ? `payload.${path.trim()}` : name, text)
    setValue('')
  }
  const input = (event: { currentTarget: HTMLInputElement | HTMLSelectElement }) => setValue(event.currentTarget.value)
  return (
    <form class="add-filter" onSubmit={submit}>
      <label>
        <span class="hidden">Filter by</span>
        <select
          value={name}
          onChange={({ currentTarget }) => {
            setName(currentTarget.value)
            setValue(filterFields.find((one) => one.name === currentTarget.value)?.words?.[0] ?? '')
          }}
        >
          {filterFields.map((one) => (
            <option key={one.name} value={one.name}>
              {one.label}
            </option>
          ))}
          <option value={payloadField}>Payload has</option>
        </select>
      </label>
      {name === payloadField && (
        <label>
          <span class="hidden">Path in the payload</span>
          <input
            value={path}
            placeholder="user.id"
            spellcheck={false}
            onInput={({ currentTarget }) => setPath(currentTarget.value)}
          />
        </label>
      )}
      {field?.words ? (
        <select aria-label="Value" value={value} onChange={input}>
          {field.words.map((word) => (
            <option key={word}>{word}</option>
          ))}
        </select>
      ) : (
        <input aria-label="Value" value={value} placeholder={field?.example ?? ''} spellcheck={false} onInput={input} />
      )}
      <button type="submit">Add filter</button>
    </form>
  )
}
