import { showEngine } from '../../shared/engine/engine.ts'
import { Failure } from '../../shared/errors.ts'
import { escaped } from '../../shared/escape.ts'
import type { Context } from '../context.ts'
import { describeScope } from './flags/scope-flags.ts'

export interface QueueName {
  domain: string
  queue: string
}

type Client = Awaited<ReturnType<Context['client']>>

const mostNamed = 3

/**
 * The queue that a word names without its domain: the queue of the one schema of another engine that is served, or the one that is known in one domain
 * alone.
 * @param domain the one of several domains that `--domain` chooses
 * @returns undefined where no domain is known to have a queue of this name
 * @throws Failure `usage` for a name that queues of several domains have
 */
export async function bareQueue(
  { client }: Pick<Context, 'client'>,
  queue: string,
  domain: string | undefined,
): Promise<QueueName | undefined> {
  const server = await client()
  const served = (await answered(() => server.call(showEngine, {})))?.engines.map(({ schema }) => schema) ?? [null]
  const [first, ...others] = served.filter((schema) => domain === undefined || schema === domain || schema === null)
  if (typeof first === 'string' && others.length === 0) return { domain: first, queue }
  const domains = (await domainsWith(server, served, queue)).filter((one) => domain === undefined || one === domain)
  const [only, ...more] = domains
  if (only === undefined || more.length === 0) return only === undefined ? undefined : { domain: only, queue }
  const names = domains.map((one) => describeScope({ domain: one, queue }))
  const left = names.length > mostNamed ? `, or ${names.length - mostNamed} more` : ''
  throw new Failure('usage', `<domain>/<queue>: ${names.length} domains have a queue ${escaped(queue)}`, {
    hint: `name it with its domain: ${names.slice(0, mostNamed).join(', ')}${left}`,
  })
}

/** The domains that have jobs in a queue that are not over, or in which the queue is stopped. Calls without a domain are about own jobs where there are any. */
async function domainsWith(client: Client, served: readonly (string | null)[], queue: string): Promise<string[]> {
  const [{ stats }, { stoppedQueues }] = await Promise.all([
    import('../../shared/queues/stats.ts'),
    import('../../shared/queues/queues.ts'),
  ])
  const scopes = [{}, ...served.flatMap((domain) => (domain !== null && served.includes(null) ? [{ domain }] : []))]
  const groups = scopes.map((scope) => answered(() => client.call(stats, { ...scope, queue })))
  const stopped = answered(() => client.call(stoppedQueues, {}))
  const rows = (await Promise.all([...groups, stopped])).flatMap((body): QueueName[] => body ?? [])
  return [...new Set(rows.filter((row) => row.queue === queue).map((row) => row.domain))].sort()
}

/** The body of an answer; undefined where the server is up to 0.2.0, or the caller may not ask. */
async function answered<T>(call: () => Promise<{ body: T }>): Promise<T | undefined> {
  try {
    return (await call()).body
  } catch (error) {
    if (error instanceof Failure && (error.code === 'not_found' || error.code === 'forbidden')) return undefined
    throw error
  }
}
