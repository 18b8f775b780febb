import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { escapedJson } from '../../../shared/text/escape.ts'
import { Button, Link } from '../../parts/controls.tsx'
import { addressOf } from '../../state/address.ts'

interface ValueProps {
  title: string
  value: unknown
  /** True where the caller may not see it. */
  isHidden: boolean
  /** What is said where there is none. */
  none?: string
  /** True where jobs can be found by a value of it. */
  filterable?: boolean
}

/** A value of a job as JSON: what is deep or long is folded, and a name or a value in it can be found. */
export function Value({ title, value, isHidden, none, filterable = false }: ValueProps) {
  const [find, setFind] = useState('')
  const text = JSON.stringify(value) ?? 'null'
  const isLarge = text.length > 400
  const isNone = value === null && none !== undefined
  return (
    <section class="card value" aria-label={title.toLowerCase()}>
      <h2>
        {title} {!isHidden && !isNone && <span class="faint">{sizeText(text)}</span>}
      </h2>
      {isHidden ? (
        <p class="faint">Your token may not see it.</p>
      ) : isNone ? (
        <p class="faint">{none}</p>
      ) : (
        <>
          {isLarge && (
            <input
              type="search"
              class="find"
              value={find}
              placeholder={`Find in the ${title.toLowerCase()}`}
              aria-label={`Find in the ${title.toLowerCase()}`}
              spellcheck={false}
              onInput={({ currentTarget }) => setFind(currentTarget.value)}
            />
          )}
          {find.trim() === '' ? (
            <Tree value={value} />
          ) : (
            <Matches value={value} find={find.trim()} filterable={filterable} />
          )}
        </>
      )}
    </section>
  )
}

const sizeText = (text: string): string => {
  const bytes = new TextEncoder().encode(text).length
  if (bytes < 1024) return `${bytes} B`
  return bytes < 1_048_576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`
}

/** Folded are objects and lists from this depth on, and texts of more characters than this. */
const foldedFrom = 2
const longestText = 300
/** The most parts of one object or list that are written before somebody asks for more. */
const mostParts = 100

const isParts = (value: unknown): value is Readonly<Record<string, unknown>> | readonly unknown[] =>
  Array.isArray(value) ||
  (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)

const partsOf = (value: Readonly<Record<string, unknown>> | readonly unknown[]): (readonly [string, unknown])[] =>
  Array.isArray(value) ? value.map((part, at) => [String(at), part] as const) : Object.entries(value)

/** The JSON of a value, in which each part that is folded is a button. */
const Tree = ({ value }: { value: unknown }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
  <pre class="json" tabIndex={0}>
    <Node value={value} depth={0} />
  </pre>
)

function Node({ value, depth }: { value: unknown; depth: number }) {
  const parts = isParts(value) ? partsOf(value) : undefined
  const text = parts ? '' : escapedJson(JSON.stringify(value) ?? 'null')
  const [isOpen, setOpen] = useState(parts ? depth < foldedFrom || parts.length === 0 : text.length <= longestText)
  const [shown, setShown] = useState(mostParts)
  if (!parts) {
    if (isOpen) return <>{text}</>
    return (
      <>
        {text.slice(0, 80)}…{' '}
        <Button class="fold" onClick={() => setOpen(true)}>
          Show all {text.length.toLocaleString('en')} characters
        </Button>
      </>
    )
  }
  const [begin, end, what] = Array.isArray(value) ? (['[', ']', 'item'] as const) : (['{', '}', 'name'] as const)
  if (parts.length === 0) return <>{begin + end}</>
  if (!isOpen) {
    return (
      <>
        {begin}{' '}
        <Button class="fold" onClick={() => setOpen(true)}>
          {parts.length.toLocaleString('en')} {what}
          {parts.length === 1 ? '' : 's'}
        </Button>{' '}
        {end}
      </>
    )
  }
  const indent = '  '.repeat(depth + 1)
  return (
    <>
      {begin}
      {parts.slice(0, shown).map(([name, part], at) => (
        <>
          <br />
          {indent}
          {begin === '{' && <span class="faint">{escapedJson(JSON.stringify(name))}: </span>}
          <Node key={name} value={part} depth={depth + 1} />
          {at < parts.length - 1 && ','}
        </>
      ))}
      {parts.length > shown && (
        <>
          <br />
          {indent}
          <Button class="fold" onClick={() => setShown(shown + 10 * mostParts)}>
            {(parts.length - shown).toLocaleString('en')} more
          </Button>
        </>
      )}
      <br />
      {'  '.repeat(depth)}
      {end}
    </>
  )
}

interface Match {
  path: readonly string[]
  value: unknown
}

const mostMatches = 100

/** The parts of a value whose name or text has what is looked for. */
function matchesOf(value: unknown, find: string): Match[] {
  const found: Match[] = []
  const wanted = find.toLowerCase()
  const look = (part: unknown, path: readonly string[]) => {
    if (found.length > mostMatches) return
    if (isParts(part)) {
      for (const [name, inner] of partsOf(part)) look(inner, [...path, name])
      return
    }
    const text = `${path.join('.')} ${String(part)}`.toLowerCase()
    if (text.includes(wanted)) found.push({ path, value: part })
  }
  look(value, [])
  return found
}

function Matches({ value, find, filterable }: { value: unknown; find: string; filterable: boolean }) {
  const found = matchesOf(value, find)
  return (
    <>
      <p class="faint" role="status">
        {found.length > mostMatches
          ? `The first ${mostMatches} are shown.`
          : `${found.length} ${found.length === 1 ? 'value' : 'values'}`}
      </p>
      <ul class="plain matches">
        {found.slice(0, mostMatches).map(({ path, value: part }) => (
          <li key={path.join('\n')}>
            <code>
              <span class="faint">{path.join('.')}: </span>
              {short(part)}
            </code>{' '}
            {filterable && <SameValue path={path} value={part} />}
          </li>
        ))}
      </ul>
    </>
  )
}

const short = (value: unknown): ComponentChildren => {
  const text = escapedJson(JSON.stringify(value) ?? 'null')
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}

/** The way to the jobs with the same value: names with a dot, lists and long texts have none. */
function SameValue({ path, value }: Match) {
  const text = String(value)
  const isNamed = path.length > 0 && path.every((name) => !/^\d+$|\.|^$/.test(name))
  if (!isNamed || value === null || text === '' || text.length > 200) return null
  return <Link to={addressOf('/jobs', { [`payload.${path.join('.')}`]: text })}>same value</Link>
}
