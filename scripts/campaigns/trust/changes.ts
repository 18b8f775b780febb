import type { z } from 'zod'
import type { Preview } from '../../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { prune, requeue, sweep, undo } from '../../../shared/endpoints.ts'
import type { Random } from '../stress/random.ts'
import { call } from './calls.ts'
import type { CallOptions, Change } from './context.ts'
import { domains } from './fill.ts'

const daySeconds = 86_400

/** A prune of the jobs of a domain that ended more than 30 days ago. `jobCount` is the expected number of jobs. */
export const pruning = (random: Random, domain: string, jobCount: number): Change => ({
  name: `prune of ${domain}`,
  jobCount,
  argv: ['prune', '--domain', domain, '--older-than', '30d', '--yes'],
  send: sendChange(random, prune, { domain, older_than_days: 30 }),
})

/** A requeue of all quarantined jobs. */
export const requeueing = (random: Random, jobCount: number): Change => ({
  name: 'requeue',
  jobCount,
  argv: ['requeue', '--domain', domains.quarantined, '--yes'],
  send: sendChange(random, requeue, { domain: domains.quarantined }),
})

/** A sweep of the jobs that are queued for more than 30 days. It ends their dependents too. */
export const sweeping = (random: Random, jobCount: number): Change => ({
  name: 'sweep',
  jobCount,
  argv: ['sweep', '--domain', domains.stale, '--age', '30d', '--yes'],
  send: sendChange(random, sweep, {
    domain: domains.stale,
    age_seconds: 30 * daySeconds,
    action: random.pick(['cancel', 'fail'] as const),
  }),
})

/** The undo of an operation. */
export const undoing = (random: Random, id: number, jobCount: number): Change => ({
  name: `undo of ${id}`,
  jobCount,
  send: sendChange(random, undo, { id: String(id) }),
})

/** Returns a function that sends the change: at random directly, or as a preview and then with its token. */
function sendChange<In extends z.ZodType, Out extends z.ZodType<{ preview?: Preview | undefined }>>(
  random: Random,
  endpoint: Endpoint<In, Out>,
  input: z.input<In> & object,
) {
  return async (server: string, { progressed, signal }: CallOptions = {}) => {
    const options = {
      ...(progressed && { progressed: ({ affected }: { affected: number }) => progressed(affected) }),
      ...(signal && { signal }),
    }
    if (random.chance(0.4)) return call(server, endpoint, { ...input, dry_run: false }, options)
    const preview = await call(server, endpoint, { ...input, dry_run: true }, signal ? { signal } : {})
    const token = preview.body?.preview?.token
    if (token === undefined) return preview
    return call(
      server,
      endpoint,
      { ...input, preview_token: token, ...(random.chance(0.5) && { max: 10_000_000 }) },
      options,
    )
  }
}
