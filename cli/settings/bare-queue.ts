import { showEngine } from '../../shared/engine/engine.ts'
import { Failure } from '../../shared/errors.ts'
import type { Context } from '../context.ts'

export interface QueueName {
  domain: string
  queue: string
}

type Client = Awaited<ReturnType<Context['client']>>

/** The queues that a word without a domain may mean. */
interface Named {
  /** The queue of the one schema of another engine that is served: no other one can be meant. */
  served?: QueueName
  /** The queues of this name that are known otherwise, by their domains: of those without live jobs, only the stopped ones. */
  known: QueueName[]
}

/**
 * Looks for the queues that a word names without its domain.
 * @param domain the one of several domains that `--domain` chooses
 */
export async function queuesNamed({ client }: Pick<Context, 'client'>, queue: string, domain?: string): Promise<Named> {
  const server = await client()
  const engines = (await answered(() => server.call(showEngine, {})))?.engines.map(({ schema }) => schema) ?? [null]
  const [first, ...others] = engines.filter((schema) => domain === undefined || schema === domain || schema === null)
  if (typeof first === 'string' && others.length === 0) return { served: { domain: first, queue }, known: [] }
  const domains = await domainsWith(server, engines, queue)
  return {
    known: domains.filter((one) => domain === undefined || one === domain).map((one) => ({ domain: one, queue })),
  }
}

const mostNamed = 3

/** The first few names of queues as a hint. */
export const namesText = (names: readonly string[]): string =>
  `name it with its domain: ${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? `, or ${names.length - mostNamed} more` : ''}`

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
