import { expect, it } from 'vitest'
import { createSightingThrottle } from '../../../server/waiting/sighting-throttle.ts'

const minute = 60_000

it('each key of a queue is let through once a minute', () => {
  const { letsThrough } = createSightingThrottle()
  expect([0, 1, minute - 1, minute, minute + 1, 3 * minute].map((now) => letsThrough('q', 'w', now))).toEqual([
    ...[true, false, false, true, false, true],
  ])
  expect([letsThrough('q', 'v', 3 * minute), letsThrough('other', 'w', 3 * minute)]).toEqual([true, true])
})

it('a worker with another name in each call leaves 1,000 marks of a queue a minute, and other queues go on', () => {
  const { letsThrough } = createSightingThrottle()
  const countIn = (now: number) =>
    Array.from({ length: 1500 }, (_, n) => letsThrough('q', `${now} ${n}`, now)).filter(Boolean).length
  expect(countIn(0)).toBe(1000)
  expect(countIn(1000)).toBe(0)
  expect(letsThrough('other', 'w', 1000)).toBe(true)
  expect(countIn(2 * minute)).toBe(1000)
})

it('all queues together leave 50,000 marks a minute', () => {
  const { letsThrough } = createSightingThrottle()
  const countIn = (now: number) =>
    Array.from({ length: 60_000 }, (_, n) => letsThrough(`q${n}`, 'w', now)).filter(Boolean).length
  expect(countIn(0)).toBe(50_000)
  expect(countIn(2 * minute)).toBe(50_000)
})
