import type { z } from 'zod'
import type { Preview } from '../../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { prune, requeue, sweep, undo } from '../../../shared/endpoints.ts'
import { call } from './calls.ts'
import type { CallOptions, Change, Context } from './context.ts'
import { callDetached } from './detached.ts'
import { domains } from './fill.ts'

const daySeconds = 86_400

/** A prune of the jobs of a domain that ended more than 30 days ago. `jobCount` is the expected number of jobs. */
export const pruning = (context: Context, domain: string, jobCount: number): Change => ({
  name: `prune of ${domain}`,
  jobCount,
  argv: ['prune', '--domain', domain, '--older-than', '30d', '--yes'],
  send: sendChange(context, { endpoint: prune, input: { domain, older_than_days: 30 }, jobCount }),
})

/** A requeue of all quarantined jobs. */
export const requeueing = (context: Context, jobCount: number): Change => ({
  name: 'requeue',
  jobCount,
  argv: ['requeue', '--domain', domains.quarantined, '--yes'],
  send: sendChange(context, { endpoint: requeue, input: { domain: domains.quarantined }, jobCount }),
})

/** A sweep of the jobs that are queued for more than 30 days. It ends their dependents too. */
export const sweeping = (context: Context, jobCount: number): Change => ({
  name: 'sweep',
  jobCount,
  argv: ['sweep', '--domain', domains.stale, '--age', '30d', '--yes'],
  send: sendChange(context, {
    endpoint: sweep,
    input: {
      domain: domains.stale,
      age_seconds: 30 * daySeconds,
      action: context.random.pick(['cancel', 'fail'] as const),
    },
    jobCount,
  }),
})

/** The undo of an operation. */
export const undoing = (context: Context, id: number, jobCount: number): Change => ({
  name: `undo of ${id}`,
  jobCount,
  send: sendChange(context, { endpoint: undo, input: { id: String(id) }, jobCount }),
})

interface Sending<In extends z.ZodType, Out extends z.ZodType> {
  endpoint: Endpoint<In, Out>
  input: z.input<In> & object
  jobCount: number
}

/**
 * Returns a function that sends the change: at random directly, or as a preview and then with its token; and at random so that it
 * goes on without its caller, then mostly at a rate that gives a fault time to come.
 */
function sendChange<In extends z.ZodType, Out extends z.ZodType<{ preview?: Preview | undefined }>>(
  context: Context,
  { endpoint, input, jobCount }: Sending<In, Out>,
) {
  const { random, detachedShare } = context
  return async (server: string, { progressed, signal }: CallOptions = {}) => {
    const options = {
      ...(progressed && { progressed: ({ affected }: { affected: number }) => progressed(affected) }),
      ...(signal && { signal }),
    }
    const isDetached = random.chance(detachedShare)
    const rate = Math.max(1, Math.round(jobCount / random.between(1, 4)))
    const paced = isDetached && random.chance(0.8) ? { rate } : {}
    const send = (fields: object) =>
      isDetached
        ? callDetached(context, server, { endpoint, input: { ...input, ...paced, ...fields } }, { progressed, signal })
        : call(server, endpoint, { ...input, ...fields }, options)
    if (random.chance(0.4)) return send({ dry_run: false })
    const preview = await call(server, endpoint, { ...input, dry_run: true }, signal ? { signal } : {})
    const token = preview.body?.preview?.token
    if (token === undefined) return preview
    return send({ preview_token: token, ...(random.chance(0.5) && { max: 10_000_000 }) })
  }
}
