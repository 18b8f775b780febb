import * as z from 'zod'
import type { enqueue } from '../../../shared/endpoints.ts'
import { lanes, mixed, pruned } from './lanes.ts'
import type { Random } from './random.ts'

/** What a job asks of its worker. */
export const Payload = z.object({
  /** Its number among all that were made. */
  n: z.number(),
  /** It fails while it has been tried less often. */
  fails: z.number(),
  /** It fails always, and in the same way. */
  poison: z.boolean(),
})
export type Payload = z.output<typeof Payload>

export type NewJob = z.input<typeof enqueue.input> & { payload: Payload }

/** Uuids of jobs that are there, for others to depend on. */
export interface Known {
  lasting: string[]
  /** Of the domain that is pruned: they may be gone by now. */
  passing: string[]
}

/** The n-th job. */
export function makeJob(n: number, random: Random, known: Known): NewJob {
  const { domain, queue } = random.pick(lanes)
  const keyed = domain !== pruned && random.chance(0.6)
  const fails = random.chance(0.12) ? random.whole(1, 3) : 0
  return {
    ...{ domain, queue, job_type: random.pick(['encode', 'send', 'count']), priority: random.whole(1, 10) },
    payload: { n, fails, poison: fails === 0 && random.chance(0.02) },
    max_retries: random.whole(3, 10),
    ...(keyed && { idempotency_key: `key-${n}` }),
    ...(random.chance(0.05) && { available_at: new Date(Date.now() + random.between(200, 1500)).toISOString() }),
    ...dependencies(domain, random, known),
  }
}

function dependencies(domain: string, random: Random, { lasting, passing }: Known): { depends_on?: string[] } {
  // What the other program fails would drop most of what hangs on it.
  if (domain !== mixed && random.chance(0.08) && lasting.length > 0) {
    return { depends_on: Array.from({ length: random.whole(1, 3) }, () => random.pick(lasting.slice(-300))) }
  }
  if (random.chance(0.04) && passing.length > 0) return { depends_on: [random.pick(passing.slice(-300))] }
  return {}
}
