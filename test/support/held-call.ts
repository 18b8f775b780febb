import { Readable } from 'node:stream'
import { request } from 'undici'
import { acquire } from '../../shared/endpoints.ts'
import { jobPaths } from './worker.ts'
import type { World } from './world.ts'

type Job = Awaited<ReturnType<typeof read>>['jobs'][number]

export interface HeldCall {
  /** What the call was answered, and when; undefined when the caller hung up before. */
  answer: Promise<{ jobs: Job[]; at: number } | undefined>
  hangUp: () => void
}

interface Holding {
  /** Send the body in chunks of unknown length. */
  chunked?: boolean
}

/** A worker that waits for a job on a connection of its own. */
export function hold(
  { url, key }: Pick<World, 'url' | 'key'>,
  fields: Record<string, unknown> = {},
  { chunked = false }: Holding = {},
): HeldCall {
  const caller = new AbortController()
  const body = JSON.stringify({ domain: 'chatbooks', worker_id: 'waiting', wait_seconds: 20, ...fields })
  const response = request(`${url}${jobPaths.acquire}`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: chunked ? Readable.from([body.slice(0, 5), body.slice(5)]) : body,
    signal: caller.signal,
  })
  const answer = response.then(read).then(
    ({ jobs }) => ({ jobs, at: performance.now() }),
    (error: unknown) => {
      if (caller.signal.aborted) return undefined
      throw error
    },
  )
  // A test that does not await the answer must not fail by its rejection.
  answer.catch(() => {})
  return { answer, hangUp: () => caller.abort() }
}

async function read({ statusCode, body }: Awaited<ReturnType<typeof request>>) {
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`answered ${statusCode}: ${text}`)
  return acquire.output.parse(JSON.parse(text))
}

/** Once later calls have been answered, those before have looked for work, and wait. */
export async function settled(server: Pick<World, 'url' | 'key'>): Promise<void> {
  for (let n = 0; n < 5; n++) await hold(server, { domain: 'nothing', wait_seconds: 0 }).answer
}

/**
 * Measures until one of twenty delays is below 400 ms, and returns the least one. A call that is not woken looks again by
 * itself a second after it began to wait, so it is never that quick; a call that is woken is, as soon as the machine is not
 * busy with something else.
 */
export async function quickest(measure: () => Promise<number>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let n = 0; n < 20 && least >= 400; n++) least = Math.min(least, await measure())
  return least
}
