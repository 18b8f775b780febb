import { useState } from 'preact/hooks'
import { escapedJson } from '../../shared/escape.ts'

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
        <button type="button" onClick={() => setOpen(true)}>
          Show all {compact.length.toLocaleString('en')} characters
        </button>
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
