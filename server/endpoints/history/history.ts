import { Failure } from '../../../shared/errors.ts'
import {
  type Durations,
  type History,
  type Point,
  type Step,
  stepNames,
  steps,
} from '../../../shared/history/history.ts'
import type { Reading } from '../../call.ts'
import type { Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { engineNames, servedBy } from '../../engines/served.ts'
import { bucketBounds } from '../../history/buckets.ts'
import { type EnginePoints, readEnginePoints } from '../../history/engine-points.ts'
import { marginHours, minuteDays } from '../../history/history-retention.ts'
import { readHistoryState } from '../../history/history-state.ts'
import { readDepthPoints } from '../../history/read-depths.ts'
import { type PointRow, type Range, readPoints } from '../../history/read-points.ts'
import { transitionOf } from '../../history/transition.ts'
import type { InputOf } from '../handlers.ts'
import { marksWithin } from './marks.ts'

type Request = InputOf<'history'>

const presetPoints = 60
const mostPoints = 2000
const presetSeconds = 86_400
/** The longest step below an hour: a range begins with the step that its first time is in. */
const longestMinuteStep = steps['15m']
/** An answer has no other times, since a request may not have them. */
const [firstSecond, lastSecond] = [Date.parse('0001-01-01T00:00:00Z') / 1000, Date.parse('9999-12-31T23:59:59Z') / 1000]

/**
 * What became of the jobs of a scope over time, as far as it is within the scope of the caller. Over an engine that keeps no history, the jobs
 * that are still there are counted by their times.
 * @throws Failure `invalid_request` for a range that is empty, has more than 2,000 points, or is over for the step
 */
export const history = ({ sql, within }: Reading, request: Request): Promise<History> =>
  sql.begin('isolation level repeatable read read only', async (tx) => {
    const [{ now }] = await tx<[{ now: number }]>`select ${limitReadTime(tx)}, extract(epoch from now())::float8 as now`
    const range = rangeOf(request, now)
    const served = servedBy(tx)
    if (served.mode !== 'own') {
      const read = await readEnginePoints(tx, served, { ...request, within }, { ...range, now })
      const marks = within === undefined ? [...(await marksWithin(tx, range))] : []
      const past = historyOfJobs(engineNames(served), read, range)
      return { ...past, marks, points: await withDepths(tx, past.points, { ...request, within }, range) }
    }
    const rows = await readPoints(tx, { ...request, within }, range)
    const { why, triggers, since } = await readHistoryState(tx)
    return {
      kept: why === null,
      why,
      triggers,
      since,
      from: timeOf(range.from),
      to: timeOf(range.to),
      step_seconds: range.step,
      bounds: [...bucketBounds],
      gaps: [...(await readGaps(tx, range))],
      marks: within === undefined ? [...(await marksWithin(tx, range))] : [],
      points: await withDepths(tx, pointsOf(rows, range), { ...request, within }, range),
    }
  })

/** The points with the depths at their beginning, where the request asks for them. */
async function withDepths(tx: Sql, points: Point[], request: Within<Request>, range: Range): Promise<Point[]> {
  if (!request.depth) return points
  const rows = await readDepthPoints(tx, request, range)
  const depths = new Map(rows.map(({ at, ...depth }) => [timeOf(at), depth]))
  return points.map((point) => ({ ...point, depth: depths.get(point.at) ?? null }))
}

/** What the jobs of an engine do not tell: a job that runs again has the times of its last attempt alone. */
const notTold = ['returned', 'revived', 'restored', 'other'] as const

/**
 * A history of the jobs that are still there.
 * @throws Failure `invalid_request` where the last step alone has more jobs than are read
 */
function historyOfJobs(
  engine: string,
  { rows, from, since, notTold: more }: EnginePoints,
  range: Range,
): Omit<History, 'marks'> {
  if (from >= range.to)
    throw new Failure('invalid_request', 'the last step of the range has more jobs than one history reads', {
      hint: 'ask for a shorter step (--step 1m), or for one queue (--queue)',
    })
  return {
    kept: false,
    why: `no history is kept for ${engine}: jobs are counted by their times, while they are there`,
    since: since === null ? null : timeOf(since),
    from: timeOf(from),
    to: timeOf(range.to),
    step_seconds: range.step,
    bounds: [...bucketBounds],
    gaps: [],
    points: pointsOf(rows, { ...range, from }),
    of_jobs: {
      not_told: [...more, ...notTold],
      not_read: from > range.from ? { from: timeOf(range.from), to: timeOf(from) } : null,
    },
  }
}

const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString()

/** Whole steps, so that each point has all of its time. */
function rangeOf(request: Request, now: number): Range {
  const to = request.to === undefined ? now : Date.parse(request.to) / 1000
  const from = request.from === undefined ? to - presetSeconds : Date.parse(request.from) / 1000
  if (from >= to) {
    throw new Failure('invalid_request', `the range is empty: ${timeOf(from)} is not before ${timeOf(to)}`, {
      hint: 'from (--since) must be before to (--until), which is now when absent',
    })
  }
  const oldestMinute = now - minuteDays * 86_400 - marginHours.minutes * 3600 + longestMinuteStep
  const name = request.step ?? presetStep({ from, to, oldestMinute })
  const step = steps[name]
  if (step < steps['1h'] && from < oldestMinute) {
    throw new Failure('invalid_request', `history by the minute is kept for ${minuteDays} days`, {
      hint: 'ask for a shorter range, or for a step of 1h, 6h or 1d',
    })
  }
  const range = { from: Math.floor(from / step) * step, to: Math.ceil(to / step) * step, step }
  const points = (range.to - range.from) / step
  if (points > mostPoints) {
    throw new Failure(
      'invalid_request',
      `the range has ${points} steps of ${name}, and at most ${mostPoints} are answered`,
      {
        hint: name === '1d' ? 'ask for a shorter range' : 'ask for a longer step or a shorter range',
      },
    )
  }
  if (range.from < firstSecond || range.to > lastSecond)
    throw new Failure('invalid_request', 'the steps of the range must lie within the years 1 to 9999')
  return range
}

const presetStep = ({ from, to, oldestMinute }: { from: number; to: number; oldestMinute: number }): Step =>
  stepNames.find(
    (name) => (to - from) / steps[name] <= presetPoints && (steps[name] >= steps['1h'] || from >= oldestMinute),
  ) ?? '1d'

/** The last one goes on while history is off. */
const readGaps = (sql: Sql, { from, to }: Range) => sql<{ from: string; to: string }[]>`
  select greatest(began, to_timestamp(${from}::float8)) as from, least(ended, to_timestamp(${to}::float8)) as to
  from (
    select began, ended from jobsctl_history_gaps
    union all
    select until, now() from jobsctl_history where until > '-infinity' and until < now()
  ) as gap
  where began < to_timestamp(${to}::float8) and ended > to_timestamp(${from}::float8)
  order by began
  limit 1000`

/** Every step of the range has a point. */
function pointsOf(rows: readonly PointRow[], { from, to, step }: Range): Point[] {
  const points = new Map<number, Point>()
  for (let at = from; at < to; at += step) points.set(at, emptyPoint(timeOf(at)))
  for (const row of rows) {
    const point = points.get(row.at)
    if (point) addRow(point, row)
  }
  return [...points.values()]
}

function addRow(point: Point, row: PointRow): void {
  point[transitionOf(row)] += row.jobs
  if (row.buckets) addDurations(row.to_status === 'processing' ? point.wait : point.run, row, row.buckets)
}

function addDurations(durations: Durations, { milliseconds }: PointRow, buckets: readonly number[]): void {
  durations.jobs += buckets.reduce((sum, jobs) => sum + jobs, 0)
  durations.seconds += milliseconds / 1000
  durations.buckets = durations.buckets.map((jobs, at) => jobs + (buckets[at] ?? 0))
}

function emptyPoint(at: string): Point {
  const none = (): Durations => ({ jobs: 0, seconds: 0, buckets: [...bucketBounds, 0].map(() => 0) })
  return {
    at,
    created: 0,
    acquired: 0,
    completed: 0,
    failed: 0,
    quarantined: 0,
    cancelled: 0,
    returned: 0,
    revived: 0,
    restored: 0,
    other: 0,
    wait: none(),
    run: none(),
  }
}
