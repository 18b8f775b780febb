import { earliest } from '../../shared/earliest.ts'
import type { LiveGroup } from '../api/live-stats.ts'
import { Time } from './time.tsx'

/** The states that are counted. */
export const columns = ['queued', 'scheduled', 'processing', 'quarantined'] as const
type Counts = Record<(typeof columns)[number], number>

/** The sums of groups. */
export const sumOf = (groups: readonly LiveGroup[]): Counts => {
  const sums: Counts = { queued: 0, scheduled: 0, processing: 0, quarantined: 0 }
  for (const group of groups) for (const name of columns) sums[name] += group[name]
  return sums
}

/** How many jobs groups hold, by state, and since when one waits. */
export function Sums({ groups }: { groups: readonly LiveGroup[] }) {
  const sums = sumOf(groups)
  const oldest = oldestOf(groups)
  return (
    <dl class="sums">
      {columns.map((name) => (
        <div key={name} class={name}>
          <dt>{name}</dt>
          <dd>{sums[name].toLocaleString('en')}</dd>
        </div>
      ))}
      <div>
        <dt>oldest wait</dt>
        <dd>
          <Time at={oldest} absent="none" />
        </dd>
      </div>
    </dl>
  )
}

/** Since when the job of groups waits that has waited longest; null where none waits. */
export const oldestOf = (groups: readonly LiveGroup[]): string | null =>
  earliest(groups.flatMap(({ oldest_due }) => oldest_due ?? [])) ?? null
