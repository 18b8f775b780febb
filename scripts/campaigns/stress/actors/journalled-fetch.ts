import * as z from 'zod'
import type { Fetch } from '../../../../sdk/client.ts'
import { acquire, finishMany, renewMany } from '../../../../shared/endpoints.ts'
import { problemOf } from '../../../../shared/problem.ts'
import type { Journal } from '../journal.ts'
import type { Random } from '../random.ts'

interface Options {
  /** The prefix of request ids, which no other caller of the run has. */
  name: string
  servers: readonly string[]
  journal: Journal
  random: Random
  /** The probability that an acquire is aborted at a random time, which may be after the server has leased the jobs. */
  abort: () => number
}

const Finishes = z.object({
  jobs: z.array(
    z.object({
      id: z.number(),
      lease_id: z.string(),
      completion_token: z.string().optional(),
      action: z.enum(['complete', 'fail', 'release', 'cancel']),
    }),
  ),
})
const Leases = z.object({ jobs: z.array(z.object({ id: z.number(), lease_id: z.string() })) })

/**
 * A `fetch` that sends each request to a random server and writes to the journal what it asks and what is answered, so that the checks
 * see a worker of the packages as any other worker.
 */
export function journalledFetch({ name, servers, journal, random, abort }: Options): Fetch {
  let count = 0
  return async (url, init) => {
    const request = `${name}:${++count}`
    const server = random.pick(servers)
    const path = new URL(url).pathname
    const sent: unknown = JSON.parse(String(init.body))
    if (path === finishMany.path)
      for (const finish of finishesOf(sent)) journal.write({ kind: 'finish-sent', request, ...finish })
    const began = Date.now()
    const end = (outcome: number | 'aborted' | 'broken', more: { code?: string; detail?: string } = {}) =>
      journal.write({ ...{ kind: 'call', request, path, server, began, ended: Date.now(), outcome }, ...more })
    const signals = init.signal ? [init.signal] : []
    if (path === acquire.path && random.chance(abort())) signals.push(AbortSignal.timeout(random.whole(1, 1200)))
    const signal = AbortSignal.any(signals)
    try {
      const headers = { ...Object(init.headers), 'X-Request-Id': request }
      const response = await fetch(`${server}${path}`, { ...init, headers, signal })
      const text = await response.text()
      const received: unknown = JSON.parse(text)
      if (response.ok) {
        end(response.status)
        record({ path, request, sent, received }, journal)
      } else {
        const { code = 'none', detail } = problemOf(received)
        end(response.status, { code, detail: JSON.stringify(detail) })
      }
      return new Response(text, { status: response.status, headers: response.headers })
    } catch (error) {
      if (signal.aborted) end('aborted')
      else
        end('broken', { detail: error instanceof Error ? `${error.message}: ${String(error.cause)}` : String(error) })
      throw error
    }
  }
}

const finishesOf = (sent: unknown) =>
  Finishes.parse(sent).jobs.map(({ id, lease_id, completion_token, action }) => ({
    ...{ job: id, lease: lease_id, action },
    ...(completion_token !== undefined && { token: completion_token }),
  }))

interface Answered {
  path: string
  request: string
  sent: unknown
  received: unknown
}

/** Writes what a call has done to its jobs. */
function record({ path, request, sent, received }: Answered, journal: Journal): void {
  if (path === acquire.path) {
    for (const { id: job, lease_id: lease, leased_until: until } of acquire.output.parse(received).jobs)
      if (lease !== null && until !== null) journal.write({ kind: 'leased', request, job, lease, until })
  }
  if (path === renewMany.path) {
    const leases = new Map(Leases.parse(sent).jobs.map(({ id, lease_id }) => [id, lease_id]))
    for (const result of renewMany.output.parse(received).results)
      if (result.ok)
        journal.write({
          ...{ kind: 'renewed', job: result.id, until: result.leased_until },
          lease: leases.get(result.id) ?? 'none',
        })
  }
  if (path === finishMany.path) {
    const { results } = finishMany.output.parse(received)
    for (const [at, finish] of finishesOf(sent).entries()) {
      const result = results[at]
      if (result?.id !== finish.job) throw new Error('the results are not in the order of the request')
      const outcome = result.ok ? result.status : result.code
      journal.write({ kind: 'finished', request, ...finish, ok: result.ok, outcome })
    }
  }
}
