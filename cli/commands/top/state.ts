import type { TopRow } from './model.ts'

/** The orders of the rows, in the order in which `s` goes through them. */
export const orders = ['busiest', 'queued', 'processing', 'quarantined', 'oldest wait', 'name'] as const
type Order = (typeof orders)[number]

/** A line that is being typed. */
export interface Typing {
  what: 'filter' | 'reason'
  text: string
  /** The queue of a reason, and what happens to it. */
  queue?: { domain: string; queue: string; action: 'pause' | 'resume' }
}

/** What the person at the screen has chosen. */
export interface TopState {
  order: Order
  filter: string
  /** The key of the chosen row; the first row where there is none. */
  chosen: string | undefined
  help: boolean
  typing: Typing | undefined
  /** The outcome of the last action, in a sentence. */
  message: { text: string; isError: boolean } | undefined
}

export const firstState: TopState = {
  order: 'busiest',
  filter: '',
  chosen: undefined,
  help: false,
  typing: undefined,
  message: undefined,
}

/** A group in one line, for the filter and for the order of names. */
const nameOf = ({ group: { domain, queue, job_type } }: TopRow): string => `${domain}/${queue} ${job_type}`

const load = ({ group: { queued, processing, quarantined } }: TopRow): number => queued + processing + quarantined
const oldest = ({ group: { oldest_due } }: TopRow): number => -(Date.parse(oldest_due ?? '') || Number.MAX_SAFE_INTEGER)

const weights: Record<Exclude<Order, 'name'>, (row: TopRow) => number> = {
  busiest: load,
  queued: ({ group }) => group.queued,
  processing: ({ group }) => group.processing,
  quarantined: ({ group }) => group.quarantined,
  'oldest wait': oldest,
}

/** The rows that pass the filter, in the chosen order; rows that are equal in it are in the order of their names. */
export function shownRows(rows: readonly TopRow[], { order, filter }: TopState): TopRow[] {
  const wanted = filter.toLowerCase()
  const names = new Map(rows.map((row) => [row, nameOf(row)]))
  const name = (row: TopRow) => names.get(row) ?? ''
  const byName = (one: TopRow, other: TopRow) => (name(one) < name(other) ? -1 : 1)
  const weight = order === 'name' ? () => 0 : weights[order]
  return rows
    .filter((row) => name(row).toLowerCase().includes(wanted))
    .sort((one, other) => weight(other) - weight(one) || byName(one, other))
}

/** The index of the chosen row, or 0 where that row is not shown. */
export const chosenIndex = (rows: readonly TopRow[], { chosen }: TopState): number =>
  Math.max(
    0,
    rows.findIndex(({ key }) => key === chosen),
  )
