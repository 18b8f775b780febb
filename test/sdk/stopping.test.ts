import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Handler, runWorker, type WorkerEvent } from '../../sdk/worker.ts'
import { type FakeRequest, fakeServer, type Reply } from '../support/fakes/fake-server.ts'
import { until } from '../support/poll.ts'

const job = { id: 1, job_type: 'print', lease_id: 'lease-1', payload: {}, retry_count: 0 }

/** A server with one job; what is said to the calls after the first one for jobs is `later`. */
function serverOf({ later, renew = 'silence' }: { later: Reply; renew?: Reply }) {
  let asked = 0
  return fakeServer(({ path }: FakeRequest) => {
    if (path.endsWith('/acquire')) return asked++ === 0 ? { body: { jobs: [job] } } : later
    if (path.endsWith('/renew')) return renew
    return { body: { results: [{ id: 1, ok: true, status: 'queued' }] } }
  })
}

/** Starts a worker with handlers of signals, which are called as the system would. */
function startWith(url: string, print: Handler) {
  const before = process.listeners('SIGTERM')
  const events: WorkerEvent[] = []
  const ended = runWorker({
    ...{ url, domain: 'd', handlers: { print }, leaseSeconds: 3600, graceSeconds: 3600 },
    onEvent: (event) => void events.push(event),
  })
  ended.catch(() => {})
  const terminate = () => {
    for (const listener of process.listeners('SIGTERM')) if (!before.includes(listener)) listener('SIGTERM')
  }
  return { events, ended, terminate }
}

const untilAborted: Handler = async ({ signal }) => {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}

describe('a worker that stops', () => {
  const isLeased = ({ event }: WorkerEvent) => event === 'leased'

  it('ends at once on two signals that come together', async () => {
    const server = await serverOf({ later: 'silence' })
    const worker = startWith(server.url, untilAborted)
    await until('the job runs', () => worker.events.some(isLeased))
    worker.terminate()
    worker.terminate()
    await worker.ended
    expect(worker.events).toContainEqual(expect.objectContaining({ event: 'released' }))
  })

  it('ends at once on one signal where the server has refused it', async () => {
    const server = await serverOf({ later: { status: 401, body: { code: 'unauthenticated', detail: 'no' } } })
    const worker = startWith(server.url, untilAborted)
    await until('it stops', () => worker.events.some(({ event }) => event === 'stopping'))
    worker.terminate()
    await expect(worker.ended).rejects.toMatchObject({ code: 'unauthenticated' })
    expect(worker.events).toContainEqual(expect.objectContaining({ event: 'released' }))
  })

  it('hangs up a renewal that no server answers', async () => {
    const server = await serverOf({ later: 'silence' })
    const renewals = () => server.requests.filter(({ path }) => path.endsWith('/renew'))
    const worker = startWith(server.url, async ({ progress }) => {
      progress(50)
      await until('the lease is renewed', () => renewals().length > 0)
    })
    await until('the job has ended', () => worker.events.some(({ event }) => event === 'completed'))
    worker.terminate()
    await worker.ended
    await until('the renewal has ended', () => renewals().every(({ hungUp }) => hungUp()), 15_000)
    expect(worker.events.filter(({ event }) => event === 'retrying')).toEqual([])
  })

  it('runs the job of an answer that arrived together with the signal to stop', async () => {
    const stop = new AbortController()
    const events: WorkerEvent[] = []
    const answer = (body: object) =>
      new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } })
    await runWorker({
      ...{ url: 'http://127.0.0.1:1', domain: 'd', handlers: { print: () => 'done' }, signal: stop.signal },
      fetch: async (url, { signal }) => {
        if (!url.endsWith('/acquire')) return answer({ results: [{ id: 1, ok: true, status: 'completed' }] })
        stop.abort()
        await nextTurn()
        signal?.throwIfAborted()
        return answer({ jobs: [job] })
      },
      onEvent: (event) => void events.push(event),
    })
    expect(events.map(({ event }) => event)).toContain('completed')
  })
})
