import type { Key } from '../../io.ts'
import type { TopRow } from './model.ts'
import { chosenIndex, orders, shownRows, type TopState, type Typing } from './state.ts'

/** What a key does beside changing the state. */
export type Effect =
  | { kind: 'none' }
  | { kind: 'quit' }
  | { kind: 'control'; queue: NonNullable<Typing['queue']>; reason: string }

interface Pressing {
  rows: readonly TopRow[]
  /** The keys of the queues that are stopped, as `JSON.stringify([domain, queue])`. */
  stopped: ReadonlySet<string>
  /** The rows that the screen shows at once. */
  page: number
  /** Why queues cannot be paused here; undefined where they can. */
  noControl: string | undefined
}

interface Pressed {
  state: TopState
  effect: Effect
}

/** The longest line that is typed, in characters: a reason has at most 500. */
const longestText = 500
const none: Effect = { kind: 'none' }

/** What a key does. */
export function press(state: TopState, key: Key, pressing: Pressing): Pressed {
  if (state.help) return { state: { ...state, help: false }, effect: key.text === 'q' ? { kind: 'quit' } : none }
  if (state.typing) return typed(state, state.typing, key)
  if (key.text === 'q' || (key.ctrl && key.name === 'd')) return { state, effect: { kind: 'quit' } }
  return { state: command({ ...state, message: undefined }, key, pressing), effect: none }
}

function command(state: TopState, key: Key, pressing: Pressing): TopState {
  if (key.text === '?' || key.text === 'h') return { ...state, help: true }
  if (key.text === '/') return { ...state, typing: { what: 'filter', text: state.filter } }
  if (key.text === 's')
    return { ...state, order: orders[(orders.indexOf(state.order) + 1) % orders.length] ?? 'busiest' }
  if (key.text === 'p') return asked(state, pressing)
  if (key.name === 'escape') return { ...state, filter: '' }
  return moved(state, key, pressing)
}

function moved(state: TopState, { name, text }: Key, { rows, page }: Pressing): TopState {
  const shown = shownRows(rows, state)
  const steps = new Map([
    ['up', -1],
    ['k', -1],
    ['down', 1],
    ['j', 1],
    ['pageup', -page],
    ['pagedown', page],
    ['home', -shown.length],
    ['end', shown.length],
  ])
  const step = steps.get(name ?? text)
  if (step === undefined || shown.length === 0) return state
  const at = Math.min(shown.length - 1, Math.max(0, chosenIndex(shown, state) + step))
  return { ...state, chosen: shown[at]?.key }
}

/** Asks for the reason with which the queue of the chosen row is paused or resumed. */
function asked(state: TopState, { rows, stopped, noControl }: Pressing): TopState {
  if (noControl !== undefined) return { ...state, message: { text: noControl, isError: true } }
  const shown = shownRows(rows, state)
  const row = shown[chosenIndex(shown, state)]
  if (!row) return { ...state, message: { text: 'no queue is chosen', isError: true } }
  const { domain, queue } = row.group
  const action = stopped.has(JSON.stringify([domain, queue])) ? 'resume' : 'pause'
  // The row stays chosen while its place in the order changes.
  return { ...state, chosen: row.key, typing: { what: 'reason', text: '', queue: { domain, queue, action } } }
}

function typed(state: TopState, typing: Typing, { name, text, ctrl }: Key): Pressed {
  const withTyping = (more: Partial<Typing>): Pressed => changed({ ...state, typing: { ...typing, ...more } })
  if (name === 'escape') return changed({ ...state, typing: undefined, filter: typing.queue ? state.filter : '' })
  if (name === 'return' || name === 'enter') return entered(state, typing)
  if (name === 'backspace') return withTyping({ text: [...typing.text].slice(0, -1).join('') })
  if (ctrl && name === 'u') return withTyping({ text: '' })
  const printable = ctrl ? '' : text.replaceAll(/\p{Cc}/gu, '')
  return withTyping({ text: [...(typing.text + printable)].slice(0, longestText).join('') })

  function changed(next: TopState): Pressed {
    const { typing: now } = next
    return { state: now?.what === 'filter' ? { ...next, filter: now.text } : next, effect: none }
  }
}

function entered(state: TopState, { queue, text }: Typing): Pressed {
  const next = { ...state, typing: undefined }
  const reason = text.trim()
  if (!queue) return { state: next, effect: none }
  // The reason is the confirmation: a key that is hit by mistake stops no queue.
  if (reason === '')
    return { state: { ...next, message: { text: 'no reason: nothing was changed', isError: true } }, effect: none }
  return { state: next, effect: { kind: 'control', queue, reason } }
}
