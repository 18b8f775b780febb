import type { StoppedQueue } from '../../../shared/queues/queues.ts'
import type { RunningChange } from '../../../shared/queues/stats-stream.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { ago } from '../../../shared/times/time-and-size.ts'
import type { Style } from '../../output/style.ts'
import { describeScope } from '../../settings/flags/scope-flags.ts'
import { groupedDigits, sumOf } from '../../text/numbers.ts'
import { cutTo } from '../../text/wrap.ts'
import { columnsFor, lineOf, rateText, titleOf } from './columns.ts'
import type { Signs } from './fit.ts'
import { helpFor } from './help.ts'
import type { Rate, TopRow } from './model.ts'
import { chosenIndex, shownRows, type TopState } from './state.ts'

/** What the screen shows. */
export interface TopView {
  rows: readonly TopRow[]
  stopped: readonly StoppedQueue[]
  operations: readonly RunningChange[]
  state: TopState
  /** False where no engine of the server can pause a queue. */
  canPause: boolean
  /** Queues are named without their domain, since the server has one alone. */
  isBare: boolean
  /** The host of the server. */
  server: string
  /** How the counts come in. */
  source: string
  /** Since when the server is away, and why; the counts are those of the last frame. */
  away: { since: Date; why: string } | undefined
  /** The time of the server, in milliseconds. */
  now: number
}

interface Terminal {
  columns: number
  rows: number
  signs: Signs
  style: Style
}

/** The most lines of stopped queues, and of running operations. */
const mostNotes = 3
const inverse = (text: string): string => `\u001b[7m${text}\u001b[27m`

/** The lines that the table needs at least: its head, two rows, and the line below it. */
const leastTable = 4

/** The lines above the table, as many as there is room for. */
const upperOf = (view: TopView, { rows, signs }: Pick<Terminal, 'rows' | 'signs'>): Line[] =>
  [headOf(view), ...awayOf(view), totalsOf(view, signs), ...notesOf(view)].slice(0, Math.max(0, rows - leastTable))

/** How many rows of groups fit. */
export const pageOf = (view: TopView, terminal: Pick<Terminal, 'rows' | 'signs'>): number =>
  Math.max(1, terminal.rows - 2 - upperOf(view, terminal).length)

/** The lines of the screen: never more than its rows, and none wider than its columns. */
export function draw(view: TopView, terminal: Terminal): string[] {
  const { columns, rows, signs, style } = terminal
  const paint = (line: Line): string => {
    const text = cutTo(signs.shown(line.text), columns, signs.cut)
    return line.paint ? style[line.paint](text) : text
  }
  const lines = view.state.help
    ? helpFor(view).map((text) => paint({ text }))
    : [...upperOf(view, terminal).map(paint), ...tableOf(view, terminal)]
  const body = lines.slice(0, Math.max(0, rows - 1))
  const blank = Array.from({ length: Math.max(0, rows - 1 - body.length) }, () => '')
  return [...body, ...blank, paint(footOf(view))].slice(-rows)
}

interface Line {
  text: string
  paint?: keyof Style
}

function headOf({ server, source, state, now }: TopView): Line {
  const time = new Date(now).toISOString().slice(11, 19)
  const filter = state.filter === '' ? '' : `, filter ${state.filter}`
  const text = `jobsctl top  ${server}  ${time} UTC  ${source}  by ${state.order}${filter}`
  return { text: escaped(text), paint: 'dim' }
}

const awayOf = ({ away }: TopView): Line[] =>
  away ? [{ text: escaped(`away since ${away.since.toISOString().slice(11, 19)} UTC: ${away.why}`), paint: 'red' }] : []

function totalsOf({ rows }: TopView, signs: Signs): Line {
  const sum = (count: (row: TopRow) => number) => groupedDigits(sumOf(rows.map(count)))
  const rate = (field: 'entered' | 'ended') => rateText(totalRate(rows.map((row) => row[field])), signs)
  const counts = [
    `${sum(({ group }) => group.queued)} queued`,
    `${sum(({ group }) => group.scheduled)} scheduled`,
    `${sum(({ group }) => group.processing)} processing`,
    `${sum(({ group }) => group.quarantined)} quarantined`,
    ...(rows.some(({ group }) => group.unmapped) ? [`${sum(({ group }) => group.unmapped ?? 0)} unmapped`] : []),
  ]
  const rates = rate('entered') === '' ? [] : [`in ${rate('entered')}/s`, `out ${rate('ended')}/s`]
  return { text: [...counts, ...rates].join(', ') }
}

/** The sum of rates; hidden where one of them is. */
function totalRate(rates: readonly Rate[]): Rate {
  if (rates.includes('hidden')) return 'hidden'
  const known = rates.filter((rate) => typeof rate === 'number')
  return known.length === 0 && rates.length > 0 ? 'unknown' : sumOf(known)
}

function notesOf({ stopped, operations, now }: TopView): Line[] {
  const stops = stopped.map(({ domain, queue, drain, updated_at, reason }) => {
    const since = updated_at ? ` since ${ago(updated_at, now)}` : ''
    return escaped(`${drain ? 'draining' : 'paused'}  ${domain}/${queue}${since}${reason ? `: ${reason}` : ''}`)
  })
  const runs = operations.map((operation) => {
    const { id, kind, caller, affected, previewed, started_at, domain, queue, job_type } = operation
    const of = previewed === null ? '' : ` of ${groupedDigits(previewed)}`
    const scope = { domain: domain ?? undefined, queue: queue ?? undefined, job_type: job_type ?? undefined }
    return escaped(
      `running  ${kind} ${id} in ${describeScope(scope)}: ${groupedDigits(affected)}${of} jobs, begun ${ago(started_at, now)} by ${caller}`,
    )
  })
  return [...noted(stops, 'jobsctl queues', 'yellow'), ...noted(runs, 'jobsctl operations', 'green')]
}

function noted(texts: readonly string[], command: string, paint: keyof Style): Line[] {
  const lines = texts.slice(0, mostNotes).map((text) => ({ text, paint }))
  const more = texts.length - lines.length
  return more > 0 ? [...lines, { text: `and ${groupedDigits(more)} more: ${command}`, paint }] : lines
}

function tableOf(view: TopView, { columns, rows, signs, style }: Terminal): string[] {
  const { state, now } = view
  const shown = shownRows(view.rows, state)
  if (shown.length === 0)
    return [view.rows.length === 0 ? 'no jobs' : 'no group matches the filter'].map((text) =>
      cutTo(text, columns, signs.cut),
    )
  const page = pageOf(view, { rows, signs })
  const at = chosenIndex(shown, state)
  const first = Math.min(Math.max(0, shown.length - page), Math.max(0, at - page + 1))
  const visible = shown.slice(first, first + page)
  // One column is left for the mark of the chosen row.
  const layout = columnsFor(shown, { columns: columns - 1, signs, now, isBare: view.isBare })
  const lines = visible.map((row, nth) => {
    const isChosen = first + nth === at
    const line = cutTo(
      `${isChosen ? '>' : ' '}${lineOf(layout, (column) => column.text(row), signs)}`,
      columns,
      signs.cut,
    )
    const isWarning = layout.some(({ isWarning }) => isWarning?.(row))
    const painted = isWarning ? style.yellow(line) : line
    return isChosen ? inverse(painted) : painted
  })
  return [style.dim(cutTo(` ${lineOf(layout, titleOf, signs)}`, columns, signs.cut)), ...lines]
}

const keysLine = (canPause: boolean): string =>
  `/ filter  s sort  ${canPause ? 'p pause or resume  ' : ''}? help  q quit`

/** The end of a text that is typed, so that the person sees the last key. */
const tailOf = (text: string): string => escaped([...text].slice(-30).join(''))

function footOf({ state, rows, canPause }: TopView): Line {
  const { typing, message } = state
  if (typing?.queue) {
    const { action, ...queue } = typing.queue
    const verb = action === 'pause' ? 'Pause' : 'Resume'
    return {
      text: `${verb} ${describeScope(queue)}? Why (Enter: ${action}, Esc: no): ${tailOf(typing.text)}_`,
      paint: 'yellow',
    }
  }
  if (typing) return { text: `Filter (Enter: keep, Esc: all): ${tailOf(typing.text)}_` }
  if (message) return { text: escaped(message.text), paint: message.isError ? 'red' : 'green' }
  return {
    text: `${keysLine(canPause)}   ${groupedDigits(rows.length)} ${rows.length === 1 ? 'group' : 'groups'}`,
    paint: 'dim',
  }
}
