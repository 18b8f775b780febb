import { clock } from '../state/now.ts'

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

/** How long ago a time is, or how far ahead; the time itself is in the tooltip. A time that no calendar of a browser has, such as `infinity`, stays as it is. */
export function Time({ at, absent = '–' }: { at: string | null | undefined; absent?: string }) {
  if (!at) return <span class="faint">{absent}</span>
  const seconds = (clock.value - Date.parse(at)) / 1000
  if (Number.isNaN(seconds)) return <>{at}</>
  const text = seconds < 0 ? `in ${spanText(-seconds)}` : seconds < 1 ? 'now' : `${spanText(seconds)} ago`
  return (
    <time dateTime={at} title={at}>
      {text}
    </time>
  )
}
