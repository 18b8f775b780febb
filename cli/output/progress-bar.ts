import type { Progress } from '../../shared/changes/bulk-change.ts'
import { now as clock } from '../clock.ts'
import type { Io } from '../io.ts'
import { groupedDigits, jobsText } from './numbers.ts'

export interface ProgressTeller {
  tell: (progress: Progress) => void
  /** Takes away what is on the screen. */
  clear: () => void
}

interface Telling {
  io: Pick<Io, 'note' | 'noteTerminal' | 'columns' | 'env'>
  quiet: boolean
  /** `deleted 9,500 jobs in chatbooks` */
  say: (jobs: string) => string
  /** What earlier calls of the same change did. */
  before: number
  /** What all its calls may do; if undefined, what the server says. */
  total: number | undefined
  now?: () => number
}

const beforeFirstMs = 1000
const betweenFramesMs = 100
const betweenLinesMs = 10_000
const clearLine = '\r\u001b[K'

/** Tells on stderr how far a change is: a bar at a terminal, a line now and then elsewhere. */
export function progressTeller(telling: Telling): ProgressTeller {
  const { io, quiet, say, now = clock } = telling
  const start = now()
  const bar = io.noteTerminal && io.env.TERM !== 'dumb'
  let next = start + (bar ? beforeFirstMs : betweenLinesMs)
  let drawn = false
  return {
    tell(progress) {
      const time = now()
      if (quiet || time < next) return
      next = time + (bar ? betweenFramesMs : betweenLinesMs)
      const state = stateOf(progress, telling)
      if (!bar) return io.note(`${say(state.text)} so far\n`)
      io.note(clearLine + cut(frame(state, (time - start) / 1000, say), io.columns - 1))
      drawn = true
    },
    clear() {
      if (drawn) io.note(clearLine)
      drawn = false
    },
  }
}

interface State {
  /** Of this call. */
  own: number
  done: number
  total: number | undefined
  text: string
}

function stateOf({ affected, total: toldTotal }: Progress, { before, total: known }: Telling): State {
  const done = before + affected
  const total = known ?? (toldTotal === null ? undefined : before + toldTotal)
  return {
    own: affected,
    done,
    total,
    text: total === undefined ? jobsText(done) : `${groupedDigits(done)} of ${jobsText(total)}`,
  }
}

const width = 20

/** `[########------------] deleted 43,000 of 200,000 jobs in chatbooks, 2,150/s, 1m 13s left` */
function frame({ own, done, total, text }: State, seconds: number, say: (jobs: string) => string): string {
  const rate = own / seconds
  const speed = `${say(text)}, ${groupedDigits(Math.round(rate))}/s`
  if (total === undefined) return speed
  const filled = Math.min(width, Math.floor((width * done) / Math.max(1, total)))
  const left = rate > 0 ? `, ${spanText(Math.max(0, total - done) / rate)} left` : ''
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${speed}${left}`
}

/** `40s`, `1m 13s`, `2h 5m` */
function spanText(seconds: number): string {
  const whole = Math.ceil(seconds)
  const minutes = Math.floor(whole / 60)
  if (whole < 60) return `${whole}s`
  return whole < 3600 ? `${minutes}m ${whole % 60}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}

/** A line that wraps could not be taken away again. */
const cut = (line: string, most: number): string => [...line].slice(0, Math.max(1, most)).join('')
