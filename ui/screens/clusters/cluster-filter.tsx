import { call } from '../../api/call.ts'
import { Select } from '../../parts/controls.tsx'
import { FilterChips } from '../../parts/filter.tsx'
import { FilterBox } from '../../parts/filter-box.tsx'
import type { Filter } from '../../parts/filter-words.ts'
import { addressOf, navigate } from '../../state/address.ts'
import { useLoad } from '../../state/calls.ts'
import { namesOf } from '../../state/names.ts'
import { caller } from '../../state/session.ts'

const states = ['failed', 'quarantined', 'retrying'] as const

/** The fields of the filter, with the words of the flags of `jobsctl clusters`. */
const fields = [
  { name: 'status', label: 'State', also: ['state'], words: states },
  { name: 'since', label: 'Failed since' },
  { name: 'domain', label: 'Domain' },
  { name: 'queue', label: 'Queue' },
  { name: 'job_type', label: 'Job type', also: ['type'] },
]
export const fieldNames = ['domain', 'queue', 'job_type', 'status', 'since'] as const

/** What the address says of the clusters to show. */
export type ClusterFields = { [Name in (typeof fieldNames)[number]]?: string }

/** The spans that are offered, with the words of `jobsctl clusters --since`. */
const spans = [
  ['15m', 'in the last 15 minutes'],
  ['1h', 'in the last hour'],
  ['6h', 'in the last 6 hours'],
  ['24h', 'in the last 24 hours'],
  ['7d', 'in the last 7 days'],
] as const

/** A text without a name: a state of a failure. */
const meantBy = (text: string): Filter | undefined =>
  states.some((state) => state === text) ? { status: text } : undefined

/** Which failures: their state, since when, and where. The address changes, and nothing else. */
export function ClusterFilter({ fields: filter }: { fields: ClusterFields }) {
  const show = (changed: Filter) => navigate(addressOf('/clusters', changed))
  const { since, ...others } = filter
  return (
    <section class="filter" aria-label="Filter">
      <FilterBox
        {...{ fields, filter }}
        onChange={show}
        example="domain:mail queue:high status:failed since:1h"
        alone={meantBy}
        valuesOf={namesOf}
      />
      <div class="chips">
        <Since since={since ?? ''} onChange={(value) => show({ ...filter, since: value })} />
        <FilterChips fields={fields} filter={others} onChange={(left) => show({ ...left, since })} />
      </div>
    </section>
  )
}

/** The last spans of time, and the last marks, by which people say what happened when. */
function Since({ since, onChange }: { since: string; onChange: (since: string) => void }) {
  const { data: marks = [] } = useLoad('marks', async (signal) =>
    // Marks are of the whole database: a token with a scope sees none.
    caller.value?.scope ? [] : call('listMarks', { limit: '10' }, { signal }),
  )
  const ofMarks = [...new Set(marks.map(({ text }) => text))].map((text) => [`mark:${text}`, `since ${text}`] as const)
  const known: readonly (readonly [string, string])[] = [['', 'at any time'], ...spans, ...ofMarks]
  const all = known.some(([value]) => value === since) ? known : [...known, [since, `since ${since}`] as const]
  return <Select label="Failed" value={since} options={all} onChange={onChange} />
}
