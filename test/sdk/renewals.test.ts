import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clientWith } from '../../sdk/client-with.ts'
import { createRenewals } from '../../sdk/work/renewals.ts'
import type { RunningJob } from '../../sdk/work/running-job.ts'
import { workerSettings } from '../../sdk/work/worker-options.ts'

const answer = (status: number, body: object, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })

const away = (retryAfter?: number) =>
  answer(
    503,
    { code: 'database_unavailable', detail: 'gone' },
    retryAfter === undefined ? {} : { 'Retry-After': `${retryAfter}` },
  )

describe('the renewals of a worker', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Renews the lease of one job at a server that answers as `reply` says. */
  async function renewing(reply: (nth: number) => Response, leaseSeconds = 600) {
    const sent: unknown[] = []
    const options = { url: 'http://127.0.0.1:1', domain: 'd', handlers: { '*': () => 1 }, leaseSeconds, retries: 0 }
    const client = clientWith({
      ...options,
      fetch: async (url, { body }) => {
        if (url.endsWith('/acquire')) return answer(200, { jobs: [{ id: 1, job_type: 'print', lease_id: 'lease' }] })
        sent.push(JSON.parse(String(body)).jobs[0])
        return reply(sent.length)
      },
    })
    const { jobs } = await client.acquire({ domain: 'd', worker_id: 'w' })
    const [leased] = jobs
    if (!leased) throw new Error('no job was leased')
    const job: RunningJob = {
      ...{ job: leased, leaseId: 'lease', abort: new AbortController(), leave: new AbortController() },
      ...{ leaseEnds: performance.now() + leaseSeconds * 1000, unsent: undefined, isLost: false, isEnded: false },
    }
    const renewals = createRenewals({ client, settings: workerSettings(options, 'w'), running: new Set([job]) })
    const report = (progress: RunningJob['unsent']) => {
      job.unsent = { ...job.unsent, ...progress }
      renewals.changed()
    }
    return { sent, job, report }
  }

  it('asks a server that is away every few seconds, however much progress there is', async () => {
    const { sent, report } = await renewing(() => away())
    for (let n = 0; n < 120; n++) {
      report({ progress_percent: n / 2 })
      await vi.advanceTimersByTimeAsync(500)
    }
    expect(sent.length).toBeGreaterThan(15)
    expect(sent.length).toBeLessThanOrEqual(31)
  })

  it('waits as long as the server asks, and not until the lease is over', async () => {
    const { sent, report, job } = await renewing(
      (nth) => (nth === 3 ? answer(200, { results: [{ ok: true }] }) : away(40)),
      60,
    )
    report({ progress_percent: 1 })
    await vi.advanceTimersByTimeAsync(15_000)
    expect(sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(sent.length).toBeGreaterThanOrEqual(3)
    expect(job.isLost).toBe(false)
  })

  it.each([
    ['the server was away', away],
    ['a proxy answered in its place', () => answer(200, { results: [] })],
  ])('sends a message again where %s, with the percent that came after it', async (_what, lost) => {
    const one = await renewing((nth) => {
      if (nth > 1) return answer(200, { results: [{ ok: true }] })
      one.report({ progress_percent: 20 })
      return lost()
    })
    one.report({ progress_percent: 10, progress_message: 'half' })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(one.sent).toMatchObject([
      { progress_percent: 10, progress_message: 'half' },
      { progress_percent: 20, progress_message: 'half' },
    ])
  })
})
