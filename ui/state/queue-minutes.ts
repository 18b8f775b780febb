import { type Signal, signal } from '@preact/signals'
import type { Answer } from '../api/call.ts'
import { call } from '../api/call.ts'
import { serverNow } from './page.ts'

/** What a queue did in each of the last minutes; null where that is not known. */
export type Minutes = Pick<Answer<'queueMinutes'>['queues'][number], 'done' | 'failed'>

interface Known {
  minutes: Signal<Minutes | undefined>
  /** When they were asked for, by the clock of the server. */
  askedAt: number
}

/** The most queues of one call, how long calls wait for further queues, and how long an answer is good for, in milliseconds. */
const mostQueues = 50
const gatherMs = 60
const goodForMs = 60_000

const known = new Map<string, Known>()
const wanted = new Set<string>()
let timer: ReturnType<typeof setTimeout> | undefined

/** The last hour of a queue that somebody sees. Queues that are seen at the same time are asked for together. */
export function minutesOf(domain: string, queue: string): Signal<Minutes | undefined> {
  const key = JSON.stringify([domain, queue])
  const entry = known.get(key) ?? { minutes: signal(undefined), askedAt: 0 }
  known.set(key, entry)
  // No call has a blank name, which rows of other programs may have.
  if (domain !== '' && queue !== '' && !document.hidden && serverNow() - entry.askedAt > goodForMs) {
    entry.askedAt = serverNow()
    wanted.add(key)
    if (timer === undefined) timer = setTimeout(ask, gatherMs)
  }
  return entry.minutes
}

async function ask(): Promise<void> {
  timer = undefined
  if (document.hidden) {
    // The next look, when the page is seen again, asks for them.
    for (const key of wanted) {
      const entry = known.get(key)
      if (entry) entry.askedAt = 0
    }
    return wanted.clear()
  }
  const keys = [...wanted].slice(0, mostQueues)
  for (const key of keys) wanted.delete(key)
  if (wanted.size > 0) timer = setTimeout(ask, gatherMs)
  const queues = keys.map((key): [string, string] => JSON.parse(key))
  const domain = queues.every(([name]) => name === queues[0]?.[0]) ? queues[0]?.[0] : undefined
  // Without an answer the lines stay as they are; they are asked for again a minute later.
  const answer = await call('queueMinutes', { domain, queues: JSON.stringify(queues) }).catch(() => undefined)
  for (const { domain: of, queue, ...minutes } of answer?.queues ?? []) {
    const entry = known.get(JSON.stringify([of, queue]))
    if (entry) entry.minutes.value = minutes
  }
}
