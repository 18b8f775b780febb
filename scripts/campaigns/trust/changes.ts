import type { z } from 'zod'
import type { Preview } from '../../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { prune, requeue, sweep, undo } from '../../../shared/endpoints.ts'
import type { Random } from '../stress/random.ts'
import { call } from './calls.ts'
import { domains } from './fill.ts'
import type { Asking, Change } from './stage.ts'

const day = 86_400

/** Deletes what ended more than 30 days ago. */
export const pruning = (random: Random, domain: string, size: number): Change => ({
  name: `prune of ${domain}`,
  size,
  argv: ['prune', '--domain', domain, '--older-than', '30d', '--yes'],
  ask: previewed(random, prune, { domain, older_than_days: 30 }),
})

/** Puts all that is in quarantine back in the queue. */
export const requeueing = (random: Random, size: number): Change => ({
  name: 'requeue',
  size,
  argv: ['requeue', '--domain', domains.hard, '--yes'],
  ask: previewed(random, requeue, { domain: domains.hard }),
})

/** Ends what is queued for more than 30 days, and what waits for it. */
export const sweeping = (random: Random, size: number): Change => ({
  name: 'sweep',
  size,
  argv: ['sweep', '--domain', domains.stale, '--age', '30d', '--yes'],
  ask: previewed(random, sweep, {
    domain: domains.stale,
    age_seconds: 30 * day,
    action: random.pick(['cancel', 'fail'] as const),
  }),
})

/** Takes an operation back. */
export const undoing = (random: Random, id: number, size: number): Change => ({
  name: `undo of ${id}`,
  size,
  ask: previewed(random, undo, { id: String(id) }),
})

/** Previews it first and goes by the token, or does not. */
function previewed<In extends z.ZodType, Out extends z.ZodType<{ preview?: Preview | undefined }>>(
  random: Random,
  endpoint: Endpoint<In, Out>,
  input: z.input<In> & object,
) {
  return async (server: string, { progressed, signal }: Asking = {}) => {
    const options = {
      ...(progressed && { progressed: ({ affected }: { affected: number }) => progressed(affected) }),
      ...(signal && { signal }),
    }
    if (random.chance(0.4)) return call(server, endpoint, { ...input, dry_run: false }, options)
    const dry = await call(server, endpoint, { ...input, dry_run: true }, signal ? { signal } : {})
    const token = dry.body?.preview?.token
    if (token === undefined) return dry
    return call(
      server,
      endpoint,
      { ...input, preview_token: token, ...(random.chance(0.5) && { max: 10_000_000 }) },
      options,
    )
  }
}
