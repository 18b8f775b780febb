import { useEffect } from 'preact/hooks'
import { entryState, keepInEntry } from '../../state/address.ts'
import { caller } from '../../state/session.ts'

/** A change that was begun from this entry of the browser's history. A reload finds it there, and looks for it by its key. */
export interface StartedChange {
  /** The body of the request, with the token of its preview. */
  body: Readonly<Record<string, unknown>>
  key: string
  reason: string
  /** Whether it goes on when this tab closes. */
  goesOn: boolean
  /** How many jobs it is about. */
  count: number
  /** True where that is the most that may change, and nobody knows how many match. */
  isMost?: boolean
  /** A time by the clock of the database, before which it had not begun. */
  since?: string
  /** Of a change of some jobs first: how many jobs there are in all, and how the change of the others is to go on. */
  canary?: { total: number; goesOn: boolean }
  /** The operation of the jobs that went first. */
  after?: number
}

/**
 * The change of this entry of the history; undefined where this caller has begun none. A screen that reads it follows Back and Forward.
 * The entry stays when somebody else logs in, to whom the change is not shown.
 */
export function startedChange(): StartedChange | undefined {
  const state = entryState.value
  return isStarted(state) && state.caller === caller.value?.id ? state : undefined
}

/** Keeps a change in this entry of the history. */
export const keepStarted = (change: StartedChange): void => keepInEntry({ ...change, caller: caller.peek()?.id })

const isStarted = (state: unknown): state is StartedChange & { caller?: unknown } =>
  typeof state === 'object' &&
  state !== null &&
  'key' in state &&
  typeof state.key === 'string' &&
  'body' in state &&
  typeof state.body === 'object' &&
  'reason' in state &&
  'goesOn' in state &&
  'count' in state

/** Why a preview is shown without another click: the change before has stopped, or the server has no record of it. */
type Again = 'stopped' | 'missing'

/** What an entry of the history keeps in place of a change, so that its preview is shown. */
export const again = (why: Again): { again: Again } => ({ again: why })

/** Why this entry of the history shows a preview at once; undefined where somebody asks for it. */
export function previewsAgain(): Again | undefined {
  const state = entryState.value
  if (typeof state !== 'object' || state === null || !('again' in state)) return undefined
  return state.again === 'stopped' || state.again === 'missing' ? state.again : undefined
}

/** Previews a change where its entry of the history says so. To confirm it takes a click. */
export function usePreviewAgain(look: () => void): void {
  const why = previewsAgain()
  useEffect(() => {
    if (why) look()
  }, [why])
}
