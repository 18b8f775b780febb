import type { Durations, History, Point } from '../../../shared/history/history.ts'
import type { Mark } from '../../../shared/history/marks.ts'
import { mostOf } from '../../../shared/history/most-of.ts'
import type { Scope } from '../../../shared/scope.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { clockText, spanText } from '../../../shared/times/time-and-size.ts'
import type { Context } from '../../context.ts'
import type { Column } from '../../output/table.ts'
import { describeAnyOf } from '../../settings/flags/scope-flags.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { isoTime } from '../../text/times.ts'

/** A point with the marks of its step, and what its bar is measured by. */
interface Row extends Point {
  marks: readonly Mark[]
  bounds: readonly number[]
  /** The most ended jobs of one point. */
  most: number
}

interface Shown {
  history: History
  /** The answer of the server. */
  raw: unknown
  scope: Scope
}

/** Prints a row for each step, and in a table what keeps the numbers from being whole. */
export function showHistory({ print }: Context, { history, raw, scope }: Shown): void {
  const rows = rowsOf(history)
  const told = toldBy(history)
  const hasDepth = rows.some(({ depth }) => depth !== undefined)
  print.rows({
    columns: [...columns.map(told), ...(hasDepth ? depthColumns : [])],
    forPeople: [...forPeople.slice(0, 1), ...(hasDepth ? depthForPeople : []), ...forPeople.slice(1)].map(told),
    rows,
    json: raw,
    empty: `no history of ${describeAnyOf(scope)}`,
  })
  const notes = print.forPeople ? notesOn(history) : notesOnNotRead(history.of_jobs)
  for (const note of notes) print.aside(note)
}

/** How many jobs there were at the beginning of a step; empty where nobody has written it. */
const depths = ['queued', 'scheduled', 'processing', 'quarantined'] as const

/** The columns that depths add to TSV. */
export const depthColumns: Column<Row>[] = [
  { title: 'depth_as_of', value: ({ depth }) => (depth ? isoTime(depth.as_of) : '') },
  ...depths.map((title): Column<Row> => ({ title: `depth_${title}`, value: ({ depth }) => depth?.[title] ?? '' })),
]

const depthForPeople: Column<Row>[] = [
  { title: 'queued', value: ({ depth }) => depth?.queued ?? '?' },
  { title: 'sched', value: ({ depth }) => depth?.scheduled ?? '?' },
  { title: 'proc', value: ({ depth }) => depth?.processing ?? '?' },
  { title: 'quar', value: ({ depth }) => depth?.quarantined ?? '?' },
]

function rowsOf({ points, marks, bounds, step_seconds }: History): Row[] {
  const most = Math.max(1, ...points.map(endedOf))
  return points.map((point) => {
    const start = Date.parse(point.at)
    const within = marks.filter(({ at }) => Date.parse(at) >= start && Date.parse(at) < start + 1000 * step_seconds)
    return { ...point, marks: within, bounds, most }
  })
}

/** Leaves a number empty that the server cannot know. */
const toldBy =
  ({ of_jobs }: History) =>
  (column: Column<Row>): Column<Row> =>
    of_jobs?.not_told.some((name) => column.title === name || column.title.startsWith(`${name}_`))
      ? { ...column, value: () => '', gives: 'first' }
      : column

/** What is to be known of a history of the jobs that are still there. */
function notesOnJobs({ why, since, from }: History, { not_told, not_read }: OfJobs): string[] {
  return [
    `note: ${escaped(why ?? '')}; not known: ${not_told.join(', ')}`,
    ...(since !== null && Date.parse(since) > Date.parse(from)
      ? [`note: before ${clockText(since)} the numbers are lower bounds: jobs that ended earlier may have been deleted`]
      : []),
    ...notesOnNotRead({ not_read }),
  ]
}

/** Programs get this note, too: the rows of a time that was not read have zeros. */
const notesOnNotRead = ({ not_read }: Partial<OfJobs> = {}): string[] =>
  not_read
    ? [
        `note: from ${clockText(not_read.from)} to ${clockText(not_read.to)} nothing was read: a history reads at most 300,000 jobs; --queue or --until asks for fewer`,
      ]
    : []

type OfJobs = NonNullable<History['of_jobs']>

function notesOn(history: History): string[] {
  const { kept, why, gaps, since, from, of_jobs } = history
  if (of_jobs) return notesOnJobs(history, of_jobs)
  const count = gaps.length > 5 ? `, and ${groupedDigits(gaps.length - 5)} more times` : ''
  const times = gaps.slice(0, 5).map((gap) => `from ${clockText(gap.from)} to ${clockText(gap.to)}`)
  return [
    ...(kept ? [] : [`note: not every transition is counted now: ${escaped(why ?? '')}`]),
    ...(since !== null && Date.parse(since) > Date.parse(from) ? [`note: history began at ${clockText(since)}`] : []),
    ...(times.length > 0 ? [`note: nothing was counted ${times.join(', ')}${count}`] : []),
  ]
}

const endedOf = ({ completed, failed, quarantined, cancelled }: Point): number =>
  completed + failed + quarantined + cancelled

const number = (title: keyof Point & ('created' | 'acquired' | 'completed' | 'failed')): Column<Row> => ({
  title,
  value: (row) => row[title],
})

const counts = ['created', 'acquired', 'completed', 'failed'] as const
const others = ['quarantined', 'cancelled', 'returned', 'revived', 'restored', 'other'] as const

const markTexts = ({ marks }: Row): string => marks.map(({ text }) => text).join('; ')

/** The columns of TSV. */
export const columns: Column<Row>[] = [
  { title: 'at', value: ({ at }) => isoTime(at) },
  ...counts.map(number),
  ...others.map((title): Column<Row> => ({ title, value: (row) => row[title] })),
  { title: 'wait_jobs', value: ({ wait }) => wait.jobs },
  { title: 'wait_seconds', value: ({ wait }) => wait.seconds },
  { title: 'run_jobs', value: ({ run }) => run.jobs },
  { title: 'run_seconds', value: ({ run }) => run.seconds },
  { title: 'marks', value: markTexts },
]

const barWidth = 20

/** `###---`: the completed jobs of a step, and those that ended otherwise. */
function bar(row: Row): string {
  const ended = endedOf(row)
  const length = Math.ceil((barWidth * ended) / row.most)
  const completed = ended === 0 ? 0 : Math.round((length * row.completed) / ended)
  return '#'.repeat(completed) + '-'.repeat(length - completed)
}

/** The bound at or below which 95 in 100 of the jobs are: `1m`, `>1d` above every bound. */
function mostText(durations: Durations, bounds: readonly number[]): string {
  const bound = mostOf(durations, bounds)
  if (bound === undefined) return ''
  if (bound === Number.POSITIVE_INFINITY) return `>${spanText(bounds.at(-1) ?? 0)}`
  return bound < 1 ? `${1000 * bound}ms` : spanText(bound)
}

const forPeople: Column<Row>[] = [
  { title: 'at (UTC)', value: ({ at }) => clockText(at).slice(0, 16), gives: 'never' },
  ...counts.map(number),
  ...others.map((title): Column<Row> => ({ title, value: (row) => row[title], zeros: 'drop' })),
  { title: 'waited', value: ({ wait, bounds }) => mostText(wait, bounds), gives: 'never' },
  { title: 'ran', value: ({ run, bounds }) => mostText(run, bounds), gives: 'never' },
  { title: 'ended', value: bar, gives: 'never' },
  { title: 'marks', value: markTexts, gives: 'first' },
]
