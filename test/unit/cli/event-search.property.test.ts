import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ReadEvents } from '../../../cli/commands/events/event-log.ts'
import { beforeLast, beforeTime } from '../../../cli/commands/events/event-search.ts'

const start = Date.parse('2026-11-24T12:00:00Z')

/** A log that can be read forward only, as the API can; it counts its requests and the events of all responses. */
function logOf(ids: number[], secondsOf: (at: number) => number = () => 0) {
  const eventAt = (id: number, at: number) => ({
    ...{ id, event_type: 'job.created', attrs: {} },
    created_at: new Date(start + 1000 * secondsOf(at)).toISOString(),
  })
  const requested = { times: 0, events: 0 }
  const read: ReadEvents = async (after, limit) => {
    // `expect` would take most of the time of these tests.
    if (!Number.isSafeInteger(after) || after < 0) throw new Error(`no event has the id ${after}`)
    const from = firstAfter(ids, after)
    const events = ids.slice(from, from + limit).map((id, at) => eventAt(id, from + at))
    requested.times += 1
    requested.events += events.length
    return { events, raw: events, next: undefined }
  }
  return { read, requested }
}

/** Where the ids above `after` begin, found by halving. */
function firstAfter(ids: number[], after: number): number {
  let [low, high] = [0, ids.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((ids[middle] ?? 0) > after) high = middle
    else low = middle + 1
  }
  return low
}

/** Ids in order: close together, far apart, or both, as sequences and filters leave them. */
const gap = fc.oneof(
  { weight: 5, arbitrary: fc.constant(1) },
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 2 ** 44 }),
)
const ids = fc.array(gap, { maxLength: 120 }).map((gaps) => {
  let id = 0
  return gaps.map((gap) => {
    id += gap
    return id
  })
})

it('finds where the last events begin, whatever the gaps between their ids', async () => {
  await fc.assert(
    fc.asyncProperty(ids, fc.integer({ min: 1, max: 60 }), async (ids, n) => {
      const { read, requested } = logOf(ids)
      const after = await beforeLast(read, n)
      expect(ids.filter((id) => id > after)).toEqual(ids.slice(-n))
      expect(requested.times).toBeLessThan(250)
    }),
    { numRuns: 500 },
  )
})

it('finds the first event since a time, however many there are in a second', async () => {
  const steps = fc.array(fc.constantFrom(0, 0, 1, 60, 86_400), { minLength: 120, maxLength: 120 })
  await fc.assert(
    fc.asyncProperty(ids, steps, fc.integer({ min: -5, max: 200_000 }), async (ids, steps, since) => {
      let sum = 0
      const seconds = [0, ...steps].slice(0, ids.length).map((step) => {
        sum += step
        return sum
      })
      const { read, requested } = logOf(ids, (at) => seconds[at] ?? 0)
      const after = await beforeTime(read, start + 1000 * since)
      expect(ids.filter((id) => id > after)).toEqual(ids.filter((_, at) => (seconds[at] ?? 0) >= since))
      expect(requested.times).toBeLessThan(120)
    }),
    { numRuns: 500 },
  )
})

it('requests little more than what it shows from a log of a million events', async () => {
  const { read, requested } = logOf(Array.from({ length: 20_000 }, (_, at) => 1 + at * 50))
  const dense = logOf(Array.from({ length: 20_000 }, (_, at) => 1 + at))
  expect(await beforeLast(read, 50)).toBe(1 + 50 * (20_000 - 51) + 49)
  expect(await beforeLast(dense.read, 50)).toBe(20_000 - 50)
  expect(requested.times).toBeLessThan(70)
  expect(dense.requested.times).toBeLessThan(40)
  expect(dense.requested.events).toBeLessThan(100)
})

it('reaches the largest id there is', async () => {
  const most = Number.MAX_SAFE_INTEGER
  const { read } = logOf([3, most - 1, most])
  expect(await beforeLast(read, 1)).toBe(most - 1)
  expect(await beforeLast(read, 2)).toBe(most - 2)
  expect(await beforeTime(read, start + 1)).toBe(most)
})
