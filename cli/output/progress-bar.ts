import width from 'string-width'
import type { Progress } from '../../shared/changes/bulk-change.ts'
import { escaped } from '../../shared/text/escape.ts'
import type { Io } from '../io.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'

type Reported = Pick<Progress, 'affected' | 'total'> & Partial<Progress>

export interface ProgressReporter {
  report: (progress: Reported) => void
  /** Erases the bar from the screen. */
  clear: () => void
}

interface Reporting {
  io: Pick<Io, 'note' | 'noteTerminal' | 'columns' | 'env'>
  quiet: boolean
  /** `deleted 9,500 jobs in chatbooks` */
  say: (jobs: string) => string
  /** The number of jobs that earlier calls of the same change touched. */
  before: number
  /** The most jobs that all calls may touch; if undefined, the server reports it. */
  total: number | undefined
  now?: () => number
}

const beforeFirstMs = 1000
const betweenFramesMs = 100
const betweenLinesMs = 10_000
const clearLine = '\r\u001b[K'

/** Reports progress on stderr: a bar at a terminal, elsewhere a line every 10 s. */
export function progressReporter(reporting: Reporting): ProgressReporter {
  const { io, quiet, say, now = () => performance.now() } = reporting
  const start = now()
  const bar = io.noteTerminal && io.env.TERM !== 'dumb'
  let next = start + (bar ? beforeFirstMs : betweenLinesMs)
  let drawn = false
  return {
    report(progress) {
      const time = now()
      if (quiet || time < next) return
      next = time + (bar ? betweenFramesMs : betweenLinesMs)
      const state = stateOf(progress, reporting)
      if (progress.counted !== undefined)
        state.waiting = `; counting the jobs first: ${groupedDigits(progress.counted)}`
      if (!bar) return io.note(`${say(state.text)} so far${state.waiting}\n`)
      io.note(clearLine + cut(frame(state, (time - start) / 1000, say), io.columns - 1))
      drawn = true
    },
    clear() {
      if (drawn) io.note(clearLine)
      drawn = false
    },
  }
}

/** `; waiting for 12s: the replica walreceiver lags by 14 s (limit 10 s)` */
const waitText = ({ waiting }: Reported): string =>
  waiting ? `; waiting for ${spanText(waiting.seconds)}: ${escaped(waiting.detail)}` : ''

interface State {
  /** The jobs of this call. */
  own: number
  done: number
  total: number | undefined
  text: string
  waiting: string
}

function stateOf(progress: Reported, { before, total: known }: Reporting): State {
  const { affected, total: reportedTotal } = progress
  const done = before + affected
  const total = known ?? (reportedTotal === null ? undefined : before + reportedTotal)
  return {
    own: affected,
    done,
    total,
    text: total === undefined ? jobsText(done) : `${groupedDigits(done)} of ${jobsText(total)}`,
    waiting: waitText(progress),
  }
}

const barWidth = 20

/** `[########------------] deleted 43,000 of 200,000 jobs in chatbooks, 2,150/s, 1m 13s left` */
function frame({ own, done, total, text, waiting }: State, seconds: number, say: (jobs: string) => string): string {
  if (waiting !== '') return say(text) + waiting
  const rate = own / seconds
  const speed = `${say(text)}, ${groupedDigits(Math.round(rate))}/s`
  if (total === undefined) return speed
  const filled = Math.min(barWidth, Math.floor((barWidth * done) / Math.max(1, total)))
  const left = rate > 0 ? `, ${spanText(Math.max(0, total - done) / rate)} left` : ''
  return `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${speed}${left}`
}

/** `40s`, `1m 13s`, `2h 5m` */
function spanText(seconds: number): string {
  const whole = Math.ceil(seconds)
  const minutes = Math.floor(whole / 60)
  if (whole < 60) return `${whole}s`
  return whole < 3600 ? `${minutes}m ${whole % 60}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}

/** A line that wraps could not be erased, so it is cut. */
function cut(line: string, most: number): string {
  const characters = [...line]
  let text = ''
  for (const character of characters) {
    if (width(text + character) > Math.max(1, most)) break
    text += character
  }
  return text
}
