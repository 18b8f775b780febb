import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { escapedJson } from '../../shared/escape.ts'
import { clock } from '../state/page.ts'
import { Button } from './controls.tsx'

interface FactsProps {
  facts: readonly (readonly [name: string, value: ComponentChildren])[]
  /** `sums` for tiles with large numbers. */
  class?: 'sums'
}

/** Facts by their names; those that are absent or blank are left out. */
export const Facts = ({ facts, ...props }: FactsProps) => (
  <dl {...props}>
    {facts.map(
      ([name, value]) =>
        value !== null &&
        value !== undefined &&
        value !== false &&
        value !== '' && (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
    )}
  </dl>
)

/** The four meanings of colour, as at the terminal: well, at work, with care, bad. Everything else has none. */
export type Meaning = 'good' | 'active' | 'care' | 'bad' | 'none'

const meanings = new Map<string, Meaning>([
  ['completed', 'good'],
  ['done', 'good'],
  ['open', 'good'],
  ['applied', 'good'],
  ['processing', 'active'],
  ['running', 'active'],
  ['approved', 'active'],
  ['partial', 'care'],
  ['waiting', 'care'],
  ['paused', 'care'],
  ['draining', 'care'],
  ['quarantined', 'care'],
  ['failed', 'bad'],
  ['rejected', 'bad'],
])

interface StatusProps {
  of: string
  /** Its meaning, where the word alone does not tell. */
  meaning?: Meaning
  /** The state of a job in the words of another engine, or of a mapped table. */
  native?: string | null | undefined
}

/** A state of a job, a queue, an operation or a plan: its word, with a mark whose colour repeats what the word says. */
export const Status = ({ of, meaning = meanings.get(of) ?? 'none', native }: StatusProps) => (
  <>
    <span class={`status ${meaning}`}>{of}</span>
    {native && native !== of && (
      <>
        {' '}
        <span class="faint" title="in the words of its table">
          {native}
        </span>
      </>
    )}
  </>
)

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

/** Above this number of characters a value is folded, and written only when somebody unfolds it. */
const foldedAbove = 2000

/** A value as JSON with its digits. */
export function Json({ value }: { value: unknown }) {
  const compact = escapedJson(JSON.stringify(value) ?? 'null')
  const [isOpen, setOpen] = useState(compact.length <= foldedAbove)
  if (!isOpen) {
    return (
      <p>
        <code>{compact.slice(0, 200)}…</code>{' '}
        <Button onClick={() => setOpen(true)}>Show all {compact.length.toLocaleString('en')} characters</Button>
      </p>
    )
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <pre class="json" tabIndex={0}>
      {escapedJson(JSON.stringify(value, undefined, 2))}
    </pre>
  )
}
