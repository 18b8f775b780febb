import { type JobId, listedJobId } from '../../../shared/work/job-key.ts'
import { addressOf, navigate } from '../../state/address.ts'
import { domainBeside } from '../../state/engine.ts'
import { may } from '../../state/session.ts'
import { changesFor } from '../change/kinds.ts'
import { keyField } from './filter-bar.tsx'

interface ChangeMenusProps {
  /** The filter of a list; absent where there is no list, and so no "all that match". */
  filter?: Readonly<Record<string, string>>
  /** The jobs that are selected. */
  ids: readonly JobId[]
  /** Their states, where they are known. */
  states?: readonly string[]
}

/**
 * The ways from a list to a change: of the selected jobs, or of all that match. They are two choices with two labels, so that nobody means
 * the page and changes the database.
 */
export function ChangeMenus({ filter, ids, states: known = [] }: ChangeMenusProps) {
  if (!may('change')) return null
  const states = (filter?.status ?? '').split(',').filter((state) => state !== '')
  const choose = (kind: string, fields: Readonly<Record<string, string | undefined>>) => {
    if (kind !== '') navigate(addressOf(`/change/${kind}`, fields))
  }
  /** The ids name the jobs; a requeue is of one domain, and so are keys that two schemas may have. */
  const chooseThese = (kind: string) =>
    choose(kind, {
      domain: kind === 'requeue' ? filter?.domain : domainBeside(ids[0] ?? 0, filter?.domain),
      ids: ids.map(listedJobId).join(','),
    })
  return (
    <div class="act">
      {ids.length > 0 && (
        <ChangeMenu
          label={ids.length === 1 ? 'This 1 job' : `These ${ids.length} jobs`}
          states={known}
          onChoose={chooseThese}
        />
      )}
      {filter && filter[keyField] === undefined && (
        <ChangeMenu label="All jobs that match" states={states} onChoose={(kind) => choose(kind, filter)} />
      )}
    </div>
  )
}

interface ChangeMenuProps {
  label: string
  states: readonly string[]
  onChoose: (kind: string) => void
}

const ChangeMenu = ({ label, states, onChoose }: ChangeMenuProps) => (
  <label>
    {label}:{' '}
    <select
      value=""
      onChange={({ currentTarget }) => {
        const kind = currentTarget.value
        currentTarget.value = ''
        onChoose(kind)
      }}
    >
      <option value="">choose a change…</option>
      {changesFor(states).map(([name, { label }]) => (
        <option key={name} value={name}>
          {label}…
        </option>
      ))}
    </select>
  </label>
)
