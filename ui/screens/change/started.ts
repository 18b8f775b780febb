import { entryState, keepInEntry } from '../../state/address.ts'
import { caller } from '../../state/session.ts'

/** A change that was begun from this entry of the browser's history. A reload finds it there, and asks for its outcome by the same key. */
export interface StartedChange {
  /** The body of the request, with the token of its preview. */
  body: Readonly<Record<string, unknown>>
  key: string
  reason: string
  /** Whether it goes on when this tab closes. */
  goesOn: boolean
  /** How many jobs it is about. */
  count: number
  /** Of a change of some jobs first: how many jobs there are in all, and how the change of the others is to go on. */
  canary?: { total: number; goesOn: boolean }
  /** The operation of the jobs that went first. */
  after?: number
}

/**
 * The change of this entry of the history; undefined where this caller has begun none. A screen that reads it follows Back and Forward.
 * The entry stays when somebody else logs in, in whose name a change is not sent again.
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
