import type { z } from 'zod'
import type { Group, Preview } from '../../shared/changes/bulk-change.ts'
import { escaped } from '../escape.ts'
import { groupedDigits, jobsText } from '../output/numbers.ts'
import type { Printer } from '../output/print.ts'
import type { Column } from '../output/table.ts'
import type { BulkChange, Previewed } from './change.ts'

const columns: Column<Group>[] = [
  { title: 'queue', value: ({ domain, queue }) => `${domain}/${queue}`, gives: 'never' },
  { title: 'type', value: ({ job_type }) => job_type },
  { title: 'status', value: ({ status }) => status },
  { title: 'jobs', value: ({ count }) => count },
]

const mostGroups = 20
const mostOwners = 5

/** The preview of a change for a person: groups of jobs, whose jobs they are, how old, and the sentence. */
export async function previewTable<In extends z.ZodType, Out extends z.ZodType>(
  print: Printer,
  { say, why }: BulkChange<In, Out>,
  { total, previews = [] }: Previewed<Out>,
): Promise<string | undefined> {
  const groups = previews
    .flatMap((preview) => preview.groups)
    .sort((one, other) => other.count - one.count)
    .slice(0, mostGroups)
  if (groups.length === 0) return undefined
  const shown = groups.reduce((sum, { count }) => sum + count, 0)
  const rest = total > shown ? `and ${jobsText(total - shown)} in smaller groups\n` : ''
  const whyColumn: Column<Group>[] = why ? [{ title: 'why', value: why }] : []
  const table = await print.table([...columns, ...whyColumn], groups)
  return [`${table}${rest}`, ...ownersText(previews), ...timesText(previews), say(jobsText(total), false)].join('\n')
}

/** `Owners: alice 120, bob 3`; nothing where no job has an owner. */
function ownersText(previews: readonly Preview[]): string[] {
  const counts = new Map<string, number>()
  for (const { owner_user_id: owner, count } of previews.flatMap(({ owners }) => owners)) {
    if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + count)
  }
  const most = [...counts].sort(([, one], [, other]) => other - one).slice(0, mostOwners)
  const list = most.map(([owner, count]) => `${escaped(owner)} ${groupedDigits(count)}`)
  return list.length > 0 ? [`Owners with the most jobs: ${list.join(', ')}`] : []
}

/** The range of the times that the change goes by, in UTC. */
function timesText(previews: readonly Preview[]): string[] {
  const oldest = previews.flatMap((preview) => preview.oldest ?? []).sort()[0]
  const newest = previews
    .flatMap((preview) => preview.newest ?? [])
    .sort()
    .at(-1)
  if (oldest === undefined || newest === undefined) return []
  return [`Oldest: ${minuteOf(oldest)} UTC, newest: ${minuteOf(newest)} UTC`]
}

const minuteOf = (time: string): string => escaped(time.slice(0, 16).replace('T', ' '))
