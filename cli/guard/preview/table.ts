import type { z } from 'zod'
import type { Group, Preview } from '../../../shared/changes/bulk-change.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { earliest, latest } from '../../../shared/times/earliest.ts'
import type { Printer } from '../../output/print.ts'
import { queueColumn as queue } from '../../output/queue-column.ts'
import type { Column } from '../../output/table.ts'
import { groupedDigits, jobsText, sumOf } from '../../text/numbers.ts'
import type { BulkChange, PreviewDetails, Previewed } from '../change.ts'
import { factLines } from './facts.ts'

const columns: Column<Group>[] = [
  queue,
  { title: 'type', value: ({ job_type }) => job_type, gives: 'never' },
  // What is changed goes by it: rows may differ by the status alone.
  { title: 'status', value: ({ status }) => status, gives: 'never' },
  { title: 'jobs', value: ({ count }) => count },
]

const mostGroups = 20
const mostOwners = 5

/**
 * The preview of a change for a person. A table of groups says whose jobs they are, how old, and why they match. Below it are the jobs that
 * are cancelled along, how many an undo could give back, the details of this kind of change, and a sentence.
 */
export async function previewTable<In extends z.ZodType, Out extends z.ZodType>(
  print: Printer,
  change: BulkChange<In, Out>,
  previewed: Previewed<Out>,
  { head, table, below, sentence = change.say(jobsText(previewed.total), false) }: PreviewDetails = {},
): Promise<string> {
  const { total, previews = [] } = previewed
  const { text, jobs } = table ?? (await groupTable(print, change, previews))
  const rest = text !== '' && total > jobs ? `and ${jobsText(total - jobs)} in smaller groups\n` : ''
  return [
    ...(head === undefined ? [] : [`${head}\n`]),
    ...(text === '' ? [] : [`${text}${rest}`]),
    ...ownersText(previews),
    ...timesText(previews),
    ...factLines(change, previewed),
    ...(below === undefined ? [] : [`\n${below}`]),
    sentence,
  ].join('\n')
}

/** The largest groups as a table; the text is empty where a server sends no groups. */
async function groupTable<In extends z.ZodType, Out extends z.ZodType>(
  print: Printer,
  { why }: BulkChange<In, Out>,
  previews: readonly Preview[],
): Promise<{ text: string; jobs: number }> {
  const groups = previews
    .flatMap((preview) => preview.groups)
    .sort((one, other) => other.count - one.count)
    .slice(0, mostGroups)
  if (groups.length === 0) return { text: '', jobs: 0 }
  const whyColumn: Column<Group>[] = why ? [{ title: 'why', value: why }] : []
  const text = await print.table([...columns, ...whyColumn], groups)
  return { text, jobs: sumOf(groups.map(({ count }) => count)) }
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
  const oldest = earliest(previews.flatMap(({ oldest }) => oldest ?? []))
  const newest = latest(previews.flatMap(({ newest }) => newest ?? []))
  if (oldest === undefined || newest === undefined) return []
  return [`Oldest: ${minuteOf(oldest)} UTC, newest: ${minuteOf(newest)} UTC`]
}

const minuteOf = (time: string): string => escaped(time.slice(0, 16).replace('T', ' '))
