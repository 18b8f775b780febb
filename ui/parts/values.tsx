import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { escapedJson } from '../../shared/text/escape.ts'
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
