import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSingleFlight } from '../../../server/waiting/single-flight.ts'

describe('a read that callers share', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** A read that takes 10 ms and answers how many reads began before. */
  function reads() {
    let began = 0
    return () => {
      const number = ++began
      return new Promise<number>((resolve) => void setTimeout(resolve, 10, number))
    }
  }

  it('runs at most once in everyMs, and gives each caller a read that began after it asked', async () => {
    const flight = createSingleFlight<number>()
    const read = reads()
    const ask = () => flight.share('key', read, 1000)
    const first = ask()
    await vi.advanceTimersByTimeAsync(500)
    expect(await first).toBe(1)
    const others = Promise.all(Array.from({ length: 100 }, ask))
    await vi.advanceTimersByTimeAsync(400)
    const last = ask()
    await vi.advanceTimersByTimeAsync(110)
    expect(new Set(await others)).toEqual(new Set([2]))
    expect(await last).toBe(2)
    await vi.advanceTimersByTimeAsync(2000)
    const alone = ask()
    await vi.advanceTimersByTimeAsync(10)
    expect(await alone).toBe(3)
  })

  it('begins at once after a read that is over, where no time is named', async () => {
    const flight = createSingleFlight<number>()
    const read = reads()
    for (const number of [1, 2]) {
      const asked = flight.share('key', read)
      await vi.advanceTimersByTimeAsync(10)
      expect(await asked).toBe(number)
    }
  })
})
