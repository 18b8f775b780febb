import * as z from 'zod'

/** One queue, as the notices of the database name it: `["chatbooks","default"]`. */
export const queueKey = ({ domain, queue }: { domain: string; queue: string }): string =>
  JSON.stringify([domain, queue])

/** Those who wait for the same work; one of them looks, and the others wait for their turn. */
interface Line {
  queue: string
  turns: (() => void)[]
  /** Somebody said that there may be work since the last look began. */
  rung: boolean
  ring: () => void
}

export interface LongPolls {
  /**
   * Looks again and again until something is found: when the queue is rung, and when `look` says.
   * @returns what was found, or undefined once `until` is over
   */
  watch: <Found>(watching: Watching<Found>) => Promise<Found | undefined>
  /** There may be work in this queue; without a queue, in any. */
  ring: (queue?: string) => void
}

interface Watching<Found> {
  queue: string
  /** What tells those apart who would take different jobs of the queue. */
  kind: string
  until: AbortSignal
  look: () => Promise<{ found: Found } | { againInMs: number }>
}

/** Where calls wait for work without asking the database over and over: one asks for all of its kind. */
export function createLongPolls(): LongPolls {
  const lines = new Map<string, Line>()

  return {
    async watch({ queue, kind, until, look }) {
      const key = `${queue}\n${kind}`
      const line = lines.get(key) ?? { queue, turns: [], rung: false, ring: () => {} }
      const first = !lines.has(key)
      lines.set(key, line)
      if (!first && !(await turn(line, until))) return undefined
      try {
        while (!until.aborted) {
          line.rung = false
          const seen = await look()
          if ('found' in seen) return seen.found
          await rest(line, seen.againInMs, until)
        }
        return undefined
      } finally {
        const next = line.turns.shift()
        if (next) next()
        else lines.delete(key)
      }
    },
    ring(queue) {
      for (const line of lines.values()) {
        if (queue !== undefined && line.queue !== queue) continue
        line.rung = true
        line.ring()
      }
    },
  }
}

/** Waits for the others of the line. False when time is up before. */
function turn(line: Line, until: AbortSignal): Promise<boolean> {
  if (until.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const mine = () => {
      until.removeEventListener('abort', leave)
      resolve(true)
    }
    const leave = () => {
      line.turns.splice(line.turns.indexOf(mine), 1)
      resolve(false)
    }
    until.addEventListener('abort', leave, { once: true })
    line.turns.push(mine)
  })
}

/** Until the line is rung, the time is over, or `ms` have passed. */
function rest(line: Line, ms: number, until: AbortSignal): Promise<void> {
  if (line.rung || until.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      until.removeEventListener('abort', over)
      line.ring = () => {}
      resolve()
    }
    const timer = setTimeout(over, ms)
    until.addEventListener('abort', over, { once: true })
    line.ring = over
  })
}

/**
 * Runs `work` with a signal that ends with any of `signals`, or after `ms`. `AbortSignal.any` would do it on
 * later Nodes; on Node 20 it forgets a timeout that nobody else holds, and never lets go of what it watches.
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

/** A notice of the database rings the queues that it names; one that names none rings them all. */
export function wakeNotified(waiting: LongPolls, notice: string): void {
  const queues = Notice.safeParse(jsonOf(notice)).data ?? []
  if (notice === '') waiting.ring()
  for (const [domain, queue] of queues) waiting.ring(queueKey({ domain, queue }))
}

const Notice = z.array(z.tuple([z.string(), z.string()]))

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not a notice of ours
  }
}
