import * as z from 'zod'
import type { enqueue } from '../../../shared/endpoints.ts'
import { prunedDomain, queues, sharedDomain } from './queues.ts'
import type { Random } from './random.ts'

/** The payload of a job. It determines how a worker finishes the job. */
export const Payload = z.object({
  /** The number of the job, unique in the run. */
  n: z.number(),
  /** The number of attempts that fail before one succeeds. */
  fails: z.number(),
  /** True when each attempt fails with the same error code, so that the job is quarantined. */
  poison: z.boolean(),
})
export type Payload = z.output<typeof Payload>

/** The input of an enqueue. */
export type NewJob = z.input<typeof enqueue.input> & { payload: Payload }

/** UUIDs of enqueued jobs, on which later jobs can depend. */
export interface Known {
  permanent: string[]
  /** Jobs of the pruned domain, which a prune may have deleted. */
  prunable: string[]
}

/** Makes job number `n` with a random queue, payload, key, schedule and dependencies. */
export function makeJob(n: number, random: Random, known: Known): NewJob {
  const { domain, queue } = random.pick(queues)
  const keyed = domain !== prunedDomain && random.chance(0.6)
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

function dependencies(domain: string, random: Random, { permanent, prunable }: Known): { depends_on?: string[] } {
  // Jobs of the shared domain depend on no permanent job: the SQL worker fails many of them, and the server would
  // cancel
  // long chains of dependents.
  if (domain !== sharedDomain && random.chance(0.08) && permanent.length > 0) {
    return { depends_on: Array.from({ length: random.whole(1, 3) }, () => random.pick(permanent.slice(-300))) }
  }
  if (random.chance(0.04) && prunable.length > 0) return { depends_on: [random.pick(prunable.slice(-300))] }
  return {}
}
