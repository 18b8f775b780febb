import { AddFilter, type Filter, FilterChips, type FilterField } from '../../parts/filter.tsx'
import { addressOf, navigate } from '../../state/address.ts'
import { filterFields, jobStates } from './filter-fields.ts'

interface FilterBarProps {
  /** The fields of the filter that the address has. */
  filter: Readonly<Record<string, string>>
  /** The other parameters of the address that stay, such as the order. */
  rest: Readonly<Record<string, string | undefined>>
}

const fields: readonly FilterField[] = [...filterFields, { name: 'payload', label: 'Payload has', hasParts: true }]

/** The filter: what is set, as words that go away by a click, and a form for more. The address changes, and nothing else. */
export function FilterBar({ filter, rest }: FilterBarProps) {
  const show = (fields: Filter) => navigate(addressOf('/jobs', { ...fields, ...rest }))
  const { status, ...others } = filter
  return (
    <section class="filter" aria-label="Filter">
      <div class="chips">
        {jobStates.map((state) => (
          <StateToggle key={state} state={state} filter={filter} onChange={show} />
        ))}
        <FilterChips fields={fields} filter={others} onChange={(left) => show({ ...left, status })} />
        <AddFilter fields={fields} filter={filter} onChange={show} />
      </div>
    </section>
  )
}

interface StateToggleProps {
  state: string
  filter: Readonly<Record<string, string>>
  onChange: (filter: Filter) => void
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
