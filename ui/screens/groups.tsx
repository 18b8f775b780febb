import { earliest } from '../../shared/earliest.ts'
import type { LiveGroup } from '../api/live-stats.ts'
import { Span } from '../parts/times.tsx'
import { Facts } from '../parts/values.tsx'

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

/** How many jobs groups hold, by state, and since when one waits. */
export function Sums({ groups }: { groups: readonly LiveGroup[] }) {
  const sums = sumOf(groups)
  const oldest = oldestOf(groups)
  const counts = columns.map(([name, label]) => [label, sums[name].toLocaleString('en')] as const)
  return <Facts class="sums" facts={[...counts, ['Oldest wait', <Span key="oldest" since={oldest} absent="none" />]]} />
}

/** Since when the job of groups waits that has waited longest; null where none waits. */
const oldestOf = (groups: readonly LiveGroup[]): string | null =>
  earliest(groups.flatMap(({ oldest_due }) => oldest_due ?? [])) ?? null
