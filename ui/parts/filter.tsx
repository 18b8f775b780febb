import { query } from '../state/address.ts'
import { Button } from './controls.tsx'
import type { Filter, FilterField } from './filter-words.ts'
import { Person } from './name.tsx'

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
            {fields.find((field) => field.name === name)?.label ?? name}:{' '}
            <b>{name === 'caller' ? <Person id={value} /> : value}</b> <span aria-hidden="true">×</span>
            <span class="hidden">remove this filter</span>
          </Button>
        ),
    )}
  </>
)

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
