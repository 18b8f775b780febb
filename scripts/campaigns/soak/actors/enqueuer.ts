import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from '../../../../sdk/client.ts'
import { queues } from '../queues.ts'

interface Enqueuing {
  client: Client
  perSecond: number
  /** The number of live jobs. */
  live: () => Promise<number>
  /** Is told of each batch that a server has confirmed. */
  taken: (ids: readonly number[]) => void
  signal: AbortSignal
}

const batch = 10
/** Nothing is enqueued while more jobs wait. */
const mostLive = 3000

/** Enqueues jobs at a steady rate until `signal` aborts. A batch is sent until a server has taken it; keys make that safe. Returns the ids. */
export async function enqueue({ client, perSecond, live, taken, signal }: Enqueuing): Promise<number[]> {
  const ids: number[] = []
  for (let [n, next] = [0, performance.now()]; !signal.aborted; n += batch) {
    if (n % 500 === 0) while ((await live()) > mostLive && !signal.aborted) await wait(1000)
    next = Math.max(performance.now(), next + (batch * 1000) / perSecond)
    await wait(next - performance.now())
    const jobs = Array.from({ length: batch }, (_, at) => {
      const queue = queues[(n + at) % queues.length] ?? queues[0]
      const numbered = { payload: { n: n + at, text: 'a payload of some length' }, idempotency_key: `soak-${n + at}` }
      return { ...queue, job_type: at % 2 === 0 ? 'encode' : 'send', max_retries: 10, ...numbered }
    })
    const made = (await untilTaken(() => client.enqueueBatch({ jobs }))).map(({ id }) => id)
    taken(made)
    ids.push(...made)
  }
  return ids
}

/** A server that is killed leaves the outcome of a call unknown: it is sent again. */
async function untilTaken(send: () => ReturnType<Client['enqueueBatch']>) {
  for (let left = 100; ; left--) {
    try {
      return (await send()).jobs
    } catch (error) {
      if (left === 0) throw error
      await wait(200)
    }
  }
}
