import { escaped } from '../../../shared/text/escape.ts'
import type { Context } from '../../context.ts'
import { groupedDigits, jobsText } from '../../text/numbers.ts'
import { cutTo } from '../../text/wrap.ts'
import type { Goal, Seen } from './states.ts'

const clearLine = '\r\u001b[K'

/** A line at a terminal that says what is waited for, and changes with it; elsewhere nothing. */
export function waitingLine({ io, settings }: Context, goal: Goal, all: number) {
  const isShown = io.noteTerminal && io.env.TERM !== 'dumb' && !settings.quiet
  let shown = ''
  return {
    show(waiting: readonly Seen[]): void {
      const text = waiting.length === 0 ? '' : lineOf(waiting, goal, all)
      if (!isShown || text === shown) return
      shown = text
      io.note(`${clearLine}${cutTo(escaped(text), io.columns - 1)}`)
    },
    clear(): void {
      if (shown !== '') io.note(clearLine)
    },
  }
}

/** `waiting: job 8123 is queued`, `waiting: 12 of 200 jobs completed, 8 processing, 180 queued` */
function lineOf(waiting: readonly Seen[], goal: Goal, all: number): string {
  const [only] = waiting
  if (all === 1 && only) return `waiting: job ${only.id} is ${only.status}`
  const states = new Map<string, number>()
  for (const { status = 'unknown' } of waiting) states.set(status, (states.get(status) ?? 0) + 1)
  const counts = [...states].map(([status, count]) => `${groupedDigits(count)} ${status}`)
  return [`waiting: ${groupedDigits(all - waiting.length)} of ${jobsText(all)} ${goal}`, ...counts.sort()].join(', ')
}
