import * as z from 'zod'
import { jsonOf } from '../database/lossless-json.ts'

/** One queue as the notifications of the database name it: `["chatbooks","default"]`. */
export const queueKey = ({ domain, queue }: { domain: string; queue: string }): string =>
  JSON.stringify([domain, queue])

/** The held calls that would take the same jobs: one of them polls, and the others wait until it is done. */
interface WaitList {
  queue: string
  /** Lets the next call poll. */
  waiting: (() => void)[]
  /** The queue was notified after the current attempt began. */
  notified: boolean
  /** Ends the pause of the call that polls. */
  wake: () => void
}

/** Claim calls. */
export interface LongPolls {
  /**
   * Repeats `attempt` until it finds something: whenever the queue is notified, and after the time that `attempt` names.
   * @returns what was found, or undefined when `until` is aborted
   * @throws whatever `attempt` throws
   */
  watch: <Found>(poll: Poll<Found>) => Promise<Found | undefined>
  /** Wakes the calls of a queue, as `queueKey` names it; without a queue, all calls. */
  notify: (queue?: string) => void
}

interface Poll<Found> {
  queue: string
  /** Equal for calls that would take the same jobs of the queue. */
  kind: string
  until: AbortSignal
  /** `retryInMs` is the longest pause before the next attempt, in milliseconds. */
  attempt: () => Promise<{ found: Found } | { retryInMs: number }>
}

/** Holds calls without one query for each of them: of the calls that would take the same jobs, one polls at a time. */
export function createLongPolls(): LongPolls {
  const lists = new Map<string, WaitList>()
  return {
    async watch({ queue, kind, until, attempt }) {
      const key = `${queue}\n${kind}`
      const existing = lists.get(key)
      const list = existing ?? { queue, waiting: [], notified: false, wake: () => {} }
      lists.set(key, list)
      if (existing && !(await isNext(list, until))) return undefined
      try {
        return await poll(list, until, attempt)
      } finally {
        const next = list.waiting.shift()
        if (next) next()
        else lists.delete(key)
      }
    },
    notify(queue) {
      for (const list of lists.values()) {
        if (queue !== undefined && list.queue !== queue) continue
        list.notified = true
        list.wake()
      }
    },
  }
}

async function poll<Found>(
  list: WaitList,
  until: AbortSignal,
  attempt: Poll<Found>['attempt'],
): Promise<Found | undefined> {
  while (!until.aborted) {
    list.notified = false
    const result = await attempt()
    if ('found' in result) return result.found
    await pause(list, result.retryInMs, until)
  }
  return undefined
}

/** Waits until the other calls of the list are done. Resolves to false when `until` is aborted before. */
function isNext(list: WaitList, until: AbortSignal): Promise<boolean> {
  if (until.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const proceed = () => {
      until.removeEventListener('abort', leave)
      resolve(true)
    }
    const leave = () => {
      list.waiting.splice(list.waiting.indexOf(proceed), 1)
      resolve(false)
    }
    until.addEventListener('abort', leave, { once: true })
    list.waiting.push(proceed)
  })
}

/** Waits until the queue is notified, `until` is aborted, or `ms` milliseconds have passed. */
function pause(list: WaitList, ms: number, until: AbortSignal): Promise<void> {
  if (list.notified || until.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      until.removeEventListener('abort', end)
      list.wake = () => {}
      resolve()
    }
    const timer = setTimeout(end, ms)
    until.addEventListener('abort', end, { once: true })
    list.wake = end
  })
}

/**
 * Runs `work` with a signal that is aborted with any of `signals`, or after `ms` milliseconds. `AbortSignal.any` would do
 * the same in later versions of Node; in Node 20 it drops a timeout that nothing else references, and it never releases the
 * signals that it listens to.
 */
export async function withDeadline<T>(
  signals: readonly AbortSignal[],
  ms: number,
  work: (until: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController()
  const end = () => ending.abort()
  const timer = setTimeout(end, ms)
  for (const signal of signals) signal.aborted ? end() : signal.addEventListener('abort', end, { once: true })
  try {
    return await work(ending.signal)
  } finally {
    clearTimeout(timer)
    for (const signal of signals) signal.removeEventListener('abort', end)
  }
}

/** Wakes the calls of the queues that a notification of the database names; an empty notification wakes all calls. */
export function wakeNotified(longPolls: LongPolls, notification: string): void {
  // Another program may notify on the same channel.
  const queues = QueueList.safeParse(jsonOf(notification)).data ?? []
  if (notification === '') longPolls.notify()
  for (const [domain, queue] of queues) longPolls.notify(queueKey({ domain, queue }))
}

const QueueList = z.array(z.tuple([z.string(), z.string()]))
