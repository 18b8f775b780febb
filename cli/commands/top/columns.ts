import { escaped } from '../../../shared/text/escape.ts'
import { units } from '../../../shared/times/duration.ts'
import { bareQueueName, queueName } from '../../output/queue-column.ts'
import { fitted, type Signs, shortCount, sparkline } from './fit.ts'
import type { Rate, TopRow } from './model.ts'

/** A column of the screen. */
interface TopColumn {
  title: string
  columns: number
  right: boolean
  text: (row: TopRow) => string
  isWarning?: (row: TopRow) => boolean
}

interface Layout {
  /** The columns of the terminal. */
  columns: number
  signs: Signs
  /** The server's time, in milliseconds. */
  now: number
  /** Queues are named without their domain. */
  isBare?: boolean
}

const gap = 1
/** The narrowest name and the widest one. */
const [leastName, mostName] = [16, 60]
/** The narrowest sparkline and the widest one, in seconds. */
const [leastSpark, mostSpark] = [8, 60]

/**
 * The columns that fit, the name first. The sparkline goes first where there is no room, then the rates and the columns that
 * count the fewest jobs as a rule.
 */
export function columnsFor(rows: readonly TopRow[], layout: Layout): TopColumn[] {
  const { columns } = layout
  const numbers = numberColumns(layout, rows).map((column) => narrowed(column, rows))
  const widthOf = (some: readonly TopColumn[]) => some.reduce((sum, column) => sum + column.columns + gap, 0)
  const dropped = ['scheduled', 'in/s', 'out/s', 'oldest', 'quarantined', 'processing']
  let kept = numbers
  for (const title of dropped) {
    if (widthOf(kept) + leastName <= columns) break
    kept = kept.filter((column) => column.title !== title)
  }
  const room = Math.max(1, columns - widthOf(kept))
  const longest = Math.max(leastName, ...rows.map(({ group }) => nameText(group, layout).length))
  const wanted = Math.min(mostName, longest)
  const spark = Math.min(mostSpark, room - gap - wanted)
  const sparkWidth = spark >= leastSpark ? spark : room - gap - leastName >= leastSpark ? leastSpark : 0
  const name = Math.min(wanted, sparkWidth > 0 ? room - gap - sparkWidth : room)
  return [nameColumn(Math.max(1, name), layout), ...kept, ...(sparkWidth > 0 ? [sparkColumn(sparkWidth, layout)] : [])]
}

/** A column of numbers as wide as its title and its longest number. */
const narrowed = (column: TopColumn, rows: readonly TopRow[]): TopColumn => ({
  ...column,
  columns: rows.reduce((most, row) => Math.max(most, column.text(row).length), titleOf(column).length),
})

/** The head, or a row, as one line. */
export function lineOf(columns: readonly TopColumn[], text: (column: TopColumn) => string, signs: Signs): string {
  return columns.map((column) => fitted(text(column), column, signs)).join(' '.repeat(gap))
}

const nameText = (group: TopRow['group'], { signs, isBare }: Layout): string =>
  signs.shown(escaped(`${(isBare ? bareQueueName : queueName)(group)} ${group.job_type}`))

const nameColumn = (columns: number, layout: Layout): TopColumn => ({
  title: 'queue, type',
  columns,
  right: false,
  text: ({ group }) => nameText(group, layout),
})

const sparkColumn = (columns: number, { signs }: Layout): TopColumn => ({
  title: columns < 12 ? `${columns} s` : `queued, ${columns} s`,
  columns,
  right: false,
  text: ({ waiting }) => sparkline(waiting, columns, signs),
})

function numberColumns({ signs, now }: Layout, rows: readonly TopRow[]): TopColumn[] {
  // Only a mapped table has jobs to which its map gives no state.
  const hasUnmapped = rows.some(({ group }) => group.unmapped !== undefined)
  const count = (title: string, field: 'queued' | 'scheduled' | 'processing' | 'quarantined' | 'unmapped') => ({
    title,
    columns: 6,
    right: true,
    text: ({ group }: TopRow) => shortCount(group[field] ?? 0),
  })
  const rate = (title: string, field: 'entered' | 'ended') => ({
    title,
    columns: 6,
    right: true,
    text: (row: TopRow) => rateText(row[field], signs),
  })
  return [
    count('queued', 'queued'),
    count('scheduled', 'scheduled'),
    count('processing', 'processing'),
    { ...count('quarantined', 'quarantined'), isWarning: ({ group }) => group.quarantined > 0 },
    ...(hasUnmapped
      ? [{ ...count('unmapped', 'unmapped'), isWarning: ({ group }: TopRow) => (group.unmapped ?? 0) > 0 }]
      : []),
    rate('in/s', 'entered'),
    rate('out/s', 'ended'),
    { title: 'oldest', columns: 6, right: true, text: ({ group }) => waitText(group.oldest_due, { signs, now }) },
  ]
}

/** Shorter titles, of at most six columns. */
const titles = new Map([
  ['scheduled', 'sched'],
  ['processing', 'proc'],
  ['quarantined', 'quar'],
  ['unmapped', 'unmapd'],
])

export const titleOf = ({ title }: TopColumn): string => (titles.get(title) ?? title).toUpperCase()

/** `3.2`, `1,204`. */
export function rateText(rate: Rate, { hidden }: Signs): string {
  if (rate === 'hidden') return hidden
  if (rate === 'unknown') return ''
  return rate < 9.95 ? rate.toFixed(1) : shortCount(Math.round(rate))
}

/** `40s`, `12m`, `3h`; empty where no job waits. */
function waitText(since: string | null | undefined, { signs, now }: Pick<Layout, 'signs' | 'now'>): string {
  if (since === undefined) return signs.hidden
  const seconds = since === null ? Number.NaN : Math.max(0, Math.floor((now - Date.parse(since)) / 1000))
  if (Number.isNaN(seconds)) return ''
  const unit = (['d', 'h', 'm', 's'] as const).find((unit) => seconds >= units[unit]) ?? 's'
  return `${Math.floor(seconds / units[unit]).toLocaleString('en-US')}${unit}`
}
