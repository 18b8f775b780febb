import type { Loaded } from '../state/calls.ts'
import { clock } from '../state/page.ts'
import { Act } from './act.tsx'

const units: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
]

/** A span as its two largest units at most: `2 d 4 h`, `45 s`. */
export function spanText(seconds: number): string {
  const at = units.findIndex(([, size]) => seconds >= size)
  const [unit, size] = units[at] ?? ['s', 1]
  const [nextUnit, nextSize] = units[at + 1] ?? []
  const whole = Math.floor(seconds / size)
  const rest = nextSize === undefined || whole >= 10 ? 0 : Math.floor((seconds % size) / nextSize)
  return rest > 0 ? `${whole} ${unit} ${rest} ${nextUnit}` : `${Math.max(0, whole)} ${unit}`
}

interface MomentProps {
  at: string | null | undefined
  absent?: string
}

/** A moment: how long ago it is, or how far ahead; the time itself is in the tooltip. A time that no calendar of a browser has, such as `infinity`, stays as it is. */
export function Ago({ at, absent = '–' }: MomentProps) {
  if (!at) return <span class="faint">{absent}</span>
  const seconds = (clock.value - Date.parse(at)) / 1000
  if (Number.isNaN(seconds)) return <>{at}</>
  const text = seconds <= -1 ? `in ${spanText(-seconds)}` : seconds < 1 ? 'now' : `${spanText(seconds)} ago`
  return (
    <time dateTime={at} title={at}>
      {text}
    </time>
  )
}

/** A moment as a clock shows it, in UTC: `02:41`, with its day where that is not today, and with its year where that is not this one. */
export function Clock({ at }: { at: string | null | undefined }) {
  if (!at) return <>a time that is not known</>
  const time = new Date(at)
  if (Number.isNaN(time.getTime())) return <>{at}</>
  const [day = '', minute = ''] = time.toISOString().split('T')
  const today = new Date(clock.value).toISOString()
  const shownDay = today.startsWith(day) ? '' : `${today.startsWith(day.slice(0, 4)) ? day.slice(5) : day} `
  return (
    <time dateTime={at} title={at}>
      {shownDay}
      {minute.slice(0, 5)}
    </time>
  )
}

type SpanProps = { absent?: string } & ({ seconds: number | null | undefined } | { since: string | null | undefined })

/** A duration: in seconds, or from a moment until now. */
export function Span({ absent = '–', ...of }: SpanProps) {
  const since = 'since' in of ? of.since : undefined
  const seconds = 'since' in of ? (since ? (clock.value - Date.parse(since)) / 1000 : undefined) : of.seconds
  if (seconds === undefined || seconds === null) return <span class="faint">{absent}</span>
  if (Number.isNaN(seconds)) return <>{since}</>
  const text = seconds > 0 && seconds < 1 ? `${Math.ceil(1000 * seconds)} ms` : spanText(seconds)
  return since ? (
    <time dateTime={since} title={`since ${since}`}>
      {spanText(seconds)}
    </time>
  ) : (
    <span>{text}</span>
  )
}

type FreshnessProps = Pick<Loaded<unknown>, 'readAt' | 'isLoading' | 'reload'>

/** When what is shown was read, with a button that reads it again. */
export const Freshness = ({ readAt, isLoading, reload }: FreshnessProps) => {
  const seconds = readAt === undefined ? undefined : (clock.value - readAt) / 1000
  return (
    <span class="freshness">
      <Act onAct={reload}>Refresh</Act>
      <span class="faint" role="status">
        {isLoading ? 'Loading…' : ''}
      </span>
      {!isLoading && seconds !== undefined && (
        <span class="faint">{seconds < 1 ? 'read now' : `read ${spanText(seconds)} ago`}</span>
      )}
    </span>
  )
}
