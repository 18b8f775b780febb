import { setTimeout as wait } from 'node:timers/promises'
import { enqueue } from '../../../shared/endpoints.ts'
import { createCaller } from '../stress/actors/caller.ts'
import type { Journal } from '../stress/journal.ts'
import { prunedDomain, queues } from '../stress/queues.ts'
import type { Random } from '../stress/random.ts'

interface Probing {
  server: string
  /** The number of its first job; the others count on from it. */
  first: number
  journal: Journal
  random: Random
  signal: AbortSignal
}

const everyMs = 100

/**
 * Enqueues a job through one server every 100 ms, whether the last one is answered or not, so that it is seen when the
 * server takes writes again. Resolves to the numbers of the jobs that are there, or may be.
 */
export async function probe({ server, first, journal, random, signal }: Probing): Promise<number[]> {
  const caller = createCaller({ name: `probe-${first}`, servers: [server], journal, random })
  const numbers: number[] = []
  const once = async (n: number) => {
    const { domain, queue } = random.pick(queues.filter(({ domain }) => domain !== prunedDomain))
    const payload = { n, fails: 0, poison: false }
    const { request, body, unknownOutcome } = await caller.call(enqueue, { domain, queue, job_type: 'encode', payload })
    if (body) journal.write({ kind: 'enqueued', request, n, job: body.id, created: body.created })
    else if (unknownOutcome) journal.write({ kind: 'unknown-outcome', n })
    else return
    numbers.push(n)
  }
  const sent: Promise<void>[] = []
  while (!signal.aborted) {
    sent.push(once(first + sent.length))
    await wait(everyMs)
  }
  await Promise.all(sent)
  await caller.close()
  return numbers
}
