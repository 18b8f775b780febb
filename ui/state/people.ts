import { effect, type Signal, signal } from '@preact/signals'
import { call } from '../api/call.ts'
import { caller, may } from './session.ts'

/** How long calls wait for further ids, in milliseconds, and the most ids of one call, whose address has 16 KB at most. */
const gatherMs = 40
const mostIds = 40

/** The names of callers by their ids, which never change; undefined while they are asked for, and where nobody has one. */
const known = new Map<string, Signal<string | undefined>>()
const wanted = new Set<string>()
let isAsking = false

// What one caller is told is not shown to the next.
let before: string | undefined
effect(() => {
  const id = caller.value?.id
  if (id === before) return
  before = id
  known.clear()
  wanted.clear()
})

/** True for the id of a token, or of a caller of single sign-on. Other words, such as `single-user`, are names already. */
const isId = (text: string): boolean => /^[0-9a-f]{12}$|^oidc:.{1,250}$/.test(text)

/** Other programs may write events with any callers: of more, the ids are shown. */
const mostKnown = 2000

/** For whom a caller calls, by its id in a record, a plan or an event; the id itself until that is known, and where it is not told. */
export function personOf(id: string): string {
  if (!isId(id)) return id
  const { value: own } = caller
  if (own?.id === id) return own.principal
  if (!known.has(id) && known.size < mostKnown && may('records')) {
    known.set(id, signal(undefined))
    wanted.add(id)
    if (!isAsking) setTimeout(ask, gatherMs)
    isAsking = true
  }
  return known.get(id)?.value ?? id
}

/** Asks for those that are wanted, one call after the other. */
async function ask(): Promise<void> {
  const ids = [...wanted].slice(0, mostIds)
  for (const id of ids) wanted.delete(id)
  const asker = caller.peek()?.id
  // Without an answer the ids stay, and a server of an earlier version has none.
  const answer =
    ids.length > 0 ? await call('callerNames', { ids: JSON.stringify(ids) }).catch(() => undefined) : undefined
  for (const { id, name } of answer?.callers ?? []) {
    const entry = known.get(id)
    if (entry && asker === caller.peek()?.id) entry.value = name
  }
  isAsking = wanted.size > 0
  if (isAsking) setTimeout(ask, gatherMs)
}
