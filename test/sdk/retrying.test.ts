import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { JobsError } from '../../sdk/call/jobs-error.ts'
import { untilAnswered } from '../../sdk/work/retrying.ts'

const patienceMs = 300_000

describe('the calls of a worker, sent until they are answered', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Sends a call that fails `failures` times, by the errors in turn, over `ms` milliseconds. */
  async function tries(failures: number, errors: JobsError | readonly JobsError[], ms: number) {
    let tried = 0
    const attempt = async () => {
      const inTurn = [errors].flat()
      if (tried++ < failures) throw inTurn[(tried - 1) % inTurn.length]
      return 'answered'
    }
    const { signal } = new AbortController()
    const options = { call: 'finish', tell: () => {}, patienceMs, signal }
    let outcome: unknown = 'waiting'
    untilAnswered(attempt, options).then(
      (answer) => {
        outcome = answer
      },
      (thrown: unknown) => {
        outcome = thrown
      },
    )
    await vi.advanceTimersByTimeAsync(ms)
    return { outcome, tried }
  }

  it('outlives a server that makes mistakes for some minutes, and no longer', async () => {
    const mistake = new JobsError('internal', 'a mistake of the server', { status: 500 })
    expect(await tries(12, mistake, patienceMs)).toEqual({ outcome: 'answered', tried: 13 })
    expect(await tries(10_000, mistake, patienceMs - 1000)).toMatchObject({ outcome: 'waiting' })
    expect(await tries(10_000, mistake, patienceMs + 11_000)).toMatchObject({ outcome: mistake })
  })

  it('outlives a page of a proxy in place of the answer for some minutes, and a lost connection for ever', async () => {
    const page = new JobsError('outcome_unknown', 'not JSON', { status: 200 })
    expect(await tries(12, page, patienceMs)).toEqual({ outcome: 'answered', tried: 13 })
    expect(await tries(10_000, page, patienceMs + 11_000)).toMatchObject({ outcome: page })
    const lost = new JobsError('outcome_unknown', 'lost')
    expect(await tries(10_000, lost, 10 * patienceMs)).toMatchObject({ outcome: 'waiting' })
  })

  it('counts the minutes of mistakes from the last other failure on', async () => {
    const page = new JobsError('outcome_unknown', 'not JSON', { status: 200 })
    const lost = new JobsError('outcome_unknown', 'lost')
    expect(await tries(10_000, [page, lost], 10 * patienceMs)).toMatchObject({ outcome: 'waiting' })
  })

  it('gives up a server that redirects a change to a page after some minutes', async () => {
    const redirect = new JobsError('outcome_unknown', 'elsewhere', { status: 303 })
    expect(await tries(10_000, redirect, patienceMs + 11_000)).toMatchObject({ outcome: redirect })
  })

  it('gives up a server that redirects within a minute', async () => {
    const redirect = new JobsError('unexpected_answer', 'elsewhere', { status: 302 })
    expect(await tries(10_000, redirect, 60_000)).toEqual({ outcome: redirect, tried: 5 })
  })

  it.each([
    { retryAfter: 20, least: 3, most: 3 },
    { retryAfter: 3_000_000, least: 2, most: 2 },
  ])('waits as long as the server asks, up to a minute: $retryAfter s', async ({ retryAfter, least, most }) => {
    const { tried } = await tries(10_000, new JobsError('rate_limited', 'later', { status: 429, retryAfter }), 60_000)
    expect(tried).toBeGreaterThanOrEqual(least)
    expect(tried).toBeLessThanOrEqual(most + 1)
  })
})
