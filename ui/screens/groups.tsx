import { earliest } from '../../shared/times/earliest.ts'
import type { LiveGroup } from '../api/live-stats.ts'
import { Link } from '../parts/controls.tsx'
import { Name } from '../parts/name.tsx'
import { type Column, Rows } from '../parts/rows.tsx'
import { Span } from '../parts/times.tsx'
import { Facts } from '../parts/values.tsx'
import { addressOf, canBeFound } from '../state/address.ts'

/** The states that are counted, in the words of the overview. */
const columns = [
  ['queued', 'Waiting'],
  ['scheduled', 'For later'],
  ['processing', 'Running'],
  ['quarantined', 'Quarantined'],
] as const
type Counts = Record<(typeof columns)[number][0], number>

/** The sums of groups. */
const sumOf = (groups: readonly LiveGroup[]): Counts => {
  const sums: Counts = { queued: 0, scheduled: 0, processing: 0, quarantined: 0 }
  for (const group of groups) for (const [name] of columns) sums[name] += group[name]
  return sums
}

interface SumsProps {
  groups: readonly LiveGroup[]
  /** Since when a job of theirs waits, as the overview found it: their own times may miss it beside younger jobs. */
  since: string | null | undefined
}

/** How many jobs groups hold, by state, and since when one waits. */
export function Sums({ groups, since }: SumsProps) {
  const sums = sumOf(groups)
  const oldest = sums.queued === 0 ? null : oldestOf(groups, since)
  const counts = columns.map(([name, label]) => [label, sums[name].toLocaleString('en')] as const)
  return <Facts class="sums" facts={[...counts, ['Oldest wait', <Span key="oldest" since={oldest} absent="none" />]]} />
}

/** Since when the job of groups waits that has waited longest; null where none waits. */
const oldestOf = (groups: readonly LiveGroup[], since: string | null | undefined): string | null =>
  earliest([since, ...groups.map(({ oldest_due }) => oldest_due)].flatMap((time) => time ?? [])) ?? null

/** The same of each job type, those with the most jobs first. */
export const ByType = ({ groups }: { groups: readonly LiveGroup[] }) => (
  <section aria-label="By job type">
    <h2>By job type</h2>
    <Rows
      label="Counts by job type"
      rows={groups.toSorted((one, other) => jobsOf(other) - jobsOf(one))}
      columns={typeColumns}
      keyOf={({ job_type }) => job_type}
    />
  </section>
)

const jobsOf = (group: LiveGroup): number => columns.reduce((sum, [name]) => sum + group[name], 0)

const typeColumns: readonly Column<LiveGroup>[] = [
  ['Type', ({ domain, queue, job_type }) => <TypeLink {...{ domain, queue, job_type }} />, 'row'],
  ...columns.map(
    ([name, label]): Column<LiveGroup> => [
      label,
      (group) => (group[name] === 0 ? <span class="faint">0</span> : group[name].toLocaleString('en')),
      'number',
    ],
  ),
  ['Oldest wait', ({ oldest_due }) => <Span since={oldest_due} absent="" />, 'number'],
]

/** Leads to the jobs of the type, where its name can be found. */
const TypeLink = ({ domain, queue, job_type }: Pick<LiveGroup, 'domain' | 'queue' | 'job_type'>) =>
  canBeFound(domain, queue, job_type) ? (
    <Link to={addressOf('/jobs', { domain, queue, job_type })}>
      <Name of={job_type} />
    </Link>
  ) : (
    <Name of={job_type} />
  )
