import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { z } from 'zod'
import { Accepted } from '../../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { headers, respondAsync } from '../../../shared/headers.ts'
import { call, type Outcome } from './calls.ts'
import { type CallOptions, type Context, retryWhileUnavailable } from './context.ts'

interface Detaching<In extends z.ZodType> {
  endpoint: Endpoint<In, z.ZodType>
  input: z.input<In>
}

/**
 * The time within which a change without its caller must have changed further jobs or ended, whatever happens to its servers, in
 * seconds. How long a whole change takes depends on what else the machine does.
 */
const limitSeconds = 60

/**
 * Sends a change that goes on without its caller, and waits for the end of its operation: past all servers, since the one that took it
 * may be dead. Once it is accepted, the change must be done in the end, and a server that is asked again with its key must name the
 * same operation.
 */
export async function callDetached<In extends z.ZodType>(
  context: Pick<Context, 'sql' | 'random' | 'servers' | 'reportViolation'>,
  server: string,
  { endpoint, input }: Detaching<In>,
  { progressed, signal }: CallOptions,
): Promise<Outcome<unknown>> {
  const { method, path, needs, scoped, verb, changes } = endpoint
  const accepting = { method, path, needs, scoped, verb, changes, input: endpoint.input, output: Accepted }
  const own = { prefer: respondAsync, [headers.idempotencyKey]: randomUUID() }
  const first = await call(server, accepting, input, { headers: own, ...(signal && { signal }) })
  if (first.body === undefined) return first
  const id = first.body.operation_id
  if (context.random.chance(0.3)) {
    const { url } = context.random.pick(context.servers)
    const again = await call(url, accepting, input, { headers: own })
    if (again.body && again.body.operation_id !== id)
      context.reportViolation(`one key has the operations ${id} and ${again.body.operation_id}`)
  }
  const { state, affected } = await endOf(context, id, progressed)
  if (state !== 'done' && state !== 'undone')
    context.reportViolation(`operation ${id} was accepted and is ${state} after ${affected} jobs`)
  return { request: first.request, body: { affected } }
}

async function endOf(
  { sql, reportViolation }: Pick<Context, 'sql' | 'reportViolation'>,
  id: number,
  progressed: CallOptions['progressed'],
): Promise<{ state: string; affected: number }> {
  for (let [since, before] = [Date.now(), -1]; ; await wait(20)) {
    const [record] = await retryWhileUnavailable(
      () => sql<{ state: string; affected: number }[]>`
        select state, affected::int from job_operations where id = ${id}`,
    )
    if (!record) return { state: 'gone', affected: 0 }
    progressed?.(record.affected)
    if (record.state !== 'running') return record
    if (record.affected !== before) [since, before] = [Date.now(), record.affected]
    if (Date.now() - since < limitSeconds * 1000) continue
    reportViolation(`operation ${id} is running, and changed no job for ${limitSeconds} s`)
    return record
  }
}
