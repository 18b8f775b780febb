import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startPace } from '../../../server/endpoints/jobs/scan-pace.ts'

let now = 0
beforeEach(() => {
  now = 1000
  vi.spyOn(performance, 'now').mockImplementation(() => now)
})
afterEach(() => {
  vi.restoreAllMocks()
})

it('a search stops after 200 ms, and its slices fit into the time that is left', () => {
  const pace = startPace()
  expect(pace.nextSlice()).toBe(500)
  pace.count(500)
  now += 50
  expect(pace.nextSlice()).toBe(1000)
  pace.count(1000)
  now += 100
  expect(pace.nextSlice()).toBe(500)
  pace.count(500)
  now += 50
  expect(pace.nextSlice()).toBe(0)
  expect(pace.scanned()).toBe(2000)
})

it('a search reads 500 rows, however long they take', () => {
  const pace = startPace()
  now += 10_000
  expect(pace.nextSlice()).toBe(500)
  pace.count(499)
  expect(pace.nextSlice()).toBe(500)
  pace.count(1)
  expect(pace.nextSlice()).toBe(0)
})

it('a search that takes no time stops at 50,000 rows', () => {
  const pace = startPace()
  for (let rows = pace.nextSlice(); rows > 0; rows = pace.nextSlice()) {
    expect(rows).toBeLessThanOrEqual(Math.max(500, 3 * pace.scanned()))
    pace.count(rows)
  }
  expect(pace.scanned()).toBeGreaterThan(49_500)
  expect(pace.scanned()).toBeLessThanOrEqual(50_000)
})

it('a search that has found nothing goes on for 1 s, and stops once it has', () => {
  let found = 0
  const pace = startPace(() => found === 0)
  pace.count(pace.nextSlice())
  now += 600
  expect(pace.nextSlice()).toBe(500)
  found = 1
  expect(pace.nextSlice()).toBe(0)
  found = 0
  now += 400
  expect(pace.nextSlice()).toBe(0)
})
