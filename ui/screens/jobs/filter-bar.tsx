import type { VNode } from 'preact'
import { Button } from '../../parts/controls.tsx'
import { FilterChips } from '../../parts/filter.tsx'
import { FilterBox } from '../../parts/filter-box.tsx'
import type { Filter, FilterField } from '../../parts/filter-words.ts'
import { ProblemNote } from '../../parts/problem.tsx'
import { addressOf, navigate, path, query, replaceAddress } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { namesOf } from '../../state/names.ts'

/** A field of the filter with its flag of the command line. A list alone takes a field without a flag, and no change does. */
export interface FlagField extends FilterField {
  flag?: string
}

const jobStates = ['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined'] as const

const time = (name: string, label: string, also: readonly string[] = []): FlagField => {
  const word = name.replace('_', '-')
  return { name, flag: `--${word}`, label, also }
}

/** The key with which jobs were enqueued, by which lists alone are filtered. */
export const keyField = 'idempotency_key'

/** The filter of lists and changes, with the words of the flags. */
export const filterFields: readonly FlagField[] = [
  { name: 'status', flag: '--status', label: 'Status', words: jobStates, isList: true },
  { name: 'domain', flag: '--domain', label: 'Domain' },
  { name: 'queue', flag: '--queue', label: 'Queue' },
  { name: 'job_type', flag: '--job-type', label: 'Job type', also: ['type'] },
  { name: 'error', flag: '--error', label: 'Error has the text' },
  { name: 'error_code', flag: '--error-code', label: 'Error code', also: ['code'] },
  { name: 'owner_user_id', flag: '--owner', label: 'Owner', word: 'owner' },
  { name: 'batch_group', flag: '--batch', label: 'Batch group', word: 'batch' },
  { name: 'worker_id', flag: '--worker', label: 'Worker', word: 'worker' },
  { name: 'cluster', flag: '--cluster', label: 'Cluster' },
  { name: keyField, label: 'Key', word: 'key' },
  { name: 'min_retries', flag: '--min-retries', label: 'Retried at least' },
  { name: 'stale', flag: '--stale', label: 'Lease has expired', words: ['true', 'false'] },
  time('created_after', 'Created from', ['since']),
  time('created_before', 'Created before', ['until']),
  time('ended_after', 'Ended from'),
  time('ended_before', 'Ended before'),
  { name: 'ids', flag: '--ids', label: 'Ids', also: ['id'], isList: true },
]

/** The fields of the filter that are times. */
const timeFields = ['created_after', 'created_before', 'ended_after', 'ended_before'] as const

const names = new Set(filterFields.map(({ name }) => name))

/** True for a field of the filter, such as `payload.user.id` and `domain`. */
export const isFilterField = (name: string): boolean => names.has(name) || name.startsWith('payload.')

/** The fields of the filter in the query of a screen. A blank value is no filter, but for one of the payload. */
export const filterIn = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries(
    [...query].filter(([name, value]) => isFilterField(name) && (names.has(name) ? value.trim() : value) !== ''),
  )

interface FilterBarProps {
  /** The fields of the filter that the address has. */
  filter: Readonly<Record<string, string>>
  /** The other parameters of the address that stay, such as the order. */
  rest: Readonly<Record<string, string | undefined>>
}

const fields: readonly FilterField[] = [...filterFields, { name: 'payload', label: 'Payload has', hasParts: true }]

/** A text without a name: a state, the id of a job, or a part of the error. */
function meantBy(text: string): Filter | undefined {
  if (text === '') return undefined
  if (jobStates.some((state) => state === text)) return { status: text }
  if (/^[1-9]\d*(,[1-9]\d*)*$/.test(text)) return { ids: text }
  return { error: text }
}

/** The filter: a box for the words of the flags, the states, and what is set as words that go away by a click. The address changes, and nothing else. */
export function FilterBar({ filter, rest }: FilterBarProps) {
  const show = (fields: Filter) => navigate(addressOf('/jobs', { ...fields, ...rest }))
  const { status, ...others } = filter
  return (
    <section class="filter" aria-label="Filter">
      <FilterBox
        fields={fields}
        filter={filter}
        onChange={show}
        example={'status:failed error:"timeout" payload.customer=7 since:1h'}
        alone={meantBy}
        valuesOf={namesOf}
      />
      <div class="chips">
        {jobStates.map((state) => (
          <StateToggle key={state} state={state} filter={filter} onChange={show} />
        ))}
        <FilterChips fields={fields} filter={others} onChange={(left) => show({ ...left, status })} />
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
    <Button class="chip toggle" aria-pressed={isChosen} onClick={() => onChange({ ...filter, status: next.join(',') })}>
      {state}
    </Button>
  )
}

/**
 * A screen whose address has a filter. Words of a time, such as `2h`, first give way to the time that they mean: a list, its next page
 * and the change of its jobs mean the same jobs.
 */
export function WithTimes({ screen }: { screen: VNode }) {
  const params = query.value
  const words = timeFields.flatMap((name) => {
    const value = params.get(name)
    return value && !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? [[name, value] as const] : []
  })
  const { problem, reload } = useLoad(JSON.stringify(words), async (signal) => {
    if (words.length === 0) return
    const { timeOf } = await import('../../api/time-of.ts')
    const next = new URLSearchParams(params)
    for (const [name, value] of words) next.set(name, await timeOf(value, signal))
    if (!signal.aborted) replaceAddress(`${path.peek()}?${next}`)
  })
  if (words.length === 0) return screen
  return (
    <>
      <FilterBar filter={filterIn(params)} rest={{ sort: params.get('sort') ?? undefined }} />
      {problem && <ProblemNote problem={problem} onRetry={reload} />}
    </>
  )
}
