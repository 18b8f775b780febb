import { deadlineAfter } from '../../../sdk/call/deadline.ts'
import { Failure } from '../../../shared/errors.ts'
import type { QueueAction } from '../../../shared/queues/queues.ts'
import type { Context } from '../../context.ts'
import type { Client } from '../../http/client.ts'
import type { QueueName } from '../../settings/bare-queue.ts'
import { describeScope } from '../../settings/flags/scope-flags.ts'
import { nearestName } from '../../text/nearest-name.ts'

/** The state of a queue as the action that leads to it, and the kind of server. */
interface StateBefore {
  action: QueueAction
  server: 'jobs-server' | 'another'
}

/**
 * The state of a queue before a change, for the undo. Undefined where the server does not report it within a short
 * time: an operator who stops a queue must not wait for more.
 * @throws Failure `not_found` for a queue that has no job and was never stopped, unless `create` is true
 */
export async function stateBefore(
  context: Context,
  queue: QueueName,
  create: boolean,
): Promise<StateBefore | undefined> {
  const { io, settings } = context
  const brief = deadlineAfter(Math.min(mostWaitMs, settings.timeoutMs / 2), { caller: io.signal })
  try {
    return await readState(await context.newClient(brief.signal), queue, create)
  } finally {
    brief.end()
  }
}

async function readState(client: Client, queue: QueueName, create: boolean): Promise<StateBefore | undefined> {
  const { queueStatus, stoppedQueues } = await import('../../../shared/queues/queues.ts')
  const status = await answered(() => client.call(queueStatus, queue))
  if (status === undefined) return undefined
  const stopped = await answered(() => client.call(stoppedQueues, {}))
  const { paused, drain } = status.body
  const action = drain ? 'drain' : paused ? 'pause' : 'resume'
  if (!create && action === 'resume')
    await refuseUnknown(client, queue, {
      hint: 'add --create for a queue that has no job yet',
      end: '; nothing was changed',
    })
  return { action, server: stopped === undefined ? 'another' : 'jobs-server' }
}

const mostWaitMs = 5000

/** The answer, or undefined where the server gives none. */
async function answered<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

interface Words {
  /** How the message ends. */
  end: string
  hint: string
}

/**
 * Returns for a queue that has jobs, or had one, as far as the caller may see; also where the server does not tell.
 * @throws Failure `not_found` for another one, with the queue whose name is nearest to it
 */
export async function refuseUnknown(client: Client, { domain, queue }: QueueName, { end, hint }: Words): Promise<void> {
  const { stats } = await import('../../../shared/queues/stats.ts')
  const known = await answered(() => client.call(stats, { domain }))
  if (known === undefined || known.body.some((row) => row.queue === queue)) return
  // stats has no group for a queue whose jobs have all ended, but the event log knows the queue.
  const { events } = await import('../../../shared/records/events.ts')
  const logged = await answered(() => client.call(events, { domain, queue, after_id: '0', limit: '1' }))
  if (logged === undefined || logged.body.length > 0) return
  const name = `${domain}/${queue}`
  const others = await answered(() => client.call(stats, {}))
  const names = [...new Set([...known.body, ...(others?.body ?? [])].map((row) => `${row.domain}/${row.queue}`))]
  const nearest = nearestName(name, names, 3)
  const meant = nearest === undefined ? '' : `did you mean ${nearest}? `
  throw new Failure('not_found', `no job is in the queue ${describeScope({ domain, queue })}${end}`, {
    hint: `${meant}${hint}`,
  })
}
