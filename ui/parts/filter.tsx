import { useState } from 'preact/hooks'
import { query } from '../state/address.ts'
import { Button, Select } from './controls.tsx'

/** One field of a filter: its name on the wire, which the address has too. */
export interface FilterField {
  name: string
  label: string
  /** What to write, for a field that takes more than a name. */
  example?: string
  /** The words that it takes. */
  words?: readonly string[]
  /** True for a field with parts, of which each has its own name: `payload.user.id`. */
  hasParts?: boolean
}

/** A filter as the address has it. */
export type Filter = Readonly<Record<string, string | undefined>>

interface FilterProps {
  fields: readonly FilterField[]
  filter: Filter
  onChange: (filter: Filter) => void
}

/** The fields that are set, as words that go away by a click. */
export const FilterChips = ({ fields, filter, onChange }: FilterProps) => (
  <>
    {Object.entries(filter).map(
      ([name, value]) =>
        value !== undefined && (
          <Button key={name} class="chip" onClick={() => onChange({ ...filter, [name]: undefined })}>
            {fields.find((field) => field.name === name)?.label ?? name}: <b>{value}</b>{' '}
            <span aria-hidden="true">×</span>
            <span class="hidden">remove this filter</span>
          </Button>
        ),
    )}
  </>
)

/** A form that sets one more field. */
export function AddFilter({ fields, filter, onChange }: FilterProps) {
  const [name, setName] = useState(fields[0]?.name ?? '')
  const [value, setValue] = useState('')
  const [part, setPart] = useState('')
  const field = fields.find((one) => one.name === name)
  const submit = (event: Event) => {
    event.preventDefault()
    const text = value.trim()
    if (text === '' || (field?.hasParts && part.trim() === '')) return
    onChange({ ...filter, [field?.hasParts ? `${name}.${part.trim()}` : name]: text })
    setValue('')
  }
  const choose = (chosen: string) => {
    setName(chosen)
    setValue(fields.find((one) => one.name === chosen)?.words?.[0] ?? '')
  }
  const input = (event: { currentTarget: HTMLInputElement | HTMLSelectElement }) => setValue(event.currentTarget.value)
  return (
    <form class="add-filter" onSubmit={submit}>
      <Select
        label="Filter by"
        isLabelHidden
        value={name}
        options={fields.map((one) => [one.name, one.label])}
        onChange={choose}
      />
      {field?.hasParts && (
        <label>
          <span class="hidden">Path in the payload</span>
          <input
            value={part}
            placeholder="user.id"
            spellcheck={false}
            onInput={({ currentTarget }) => setPart(currentTarget.value)}
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

/** Names the parameters of the address that a screen does not know: a filter that is mistyped must not look like one that is set. */
export function UnknownParameters({ known }: { known: readonly string[] | ((name: string) => boolean) }) {
  const isKnown = typeof known === 'function' ? known : (name: string) => known.includes(name)
  const names = [...query.value.keys()].filter((name) => !isKnown(name))
  if (names.length === 0) return null
  return (
    <p class="note care" role="status">
      The address has {names.join(', ')}, which this screen does not know, and ignores.
    </p>
  )
}
