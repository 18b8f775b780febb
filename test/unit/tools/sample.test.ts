import { afterEach, expect, it, vi } from 'vitest'
import { sampled } from '../../support/sample.ts'

afterEach(() => vi.unstubAllEnvs())

const cases = Array.from({ length: 10 }, (_, n) => `case ${n}`)

it('is all cases by hand, and as many as are wanted, in their order, on a day', () => {
  vi.stubEnv('TEST_SAMPLE', '')
  expect(sampled(cases, 4)).toEqual(cases)
  vi.stubEnv('TEST_SAMPLE', '2')
  expect(sampled(cases, 4)).toEqual(['case 0', 'case 1', 'case 8', 'case 9'])
  expect(sampled(cases, 20)).toEqual(cases)
  vi.stubEnv('TEST_SAMPLE', 'a')
  expect(() => sampled(cases, 4)).toThrow('TEST_SAMPLE must be a whole number, not a')
})

it('has each case within as many days as the parts need', () => {
  const seen = [20_000, 20_001, 20_002].flatMap((day) => {
    vi.stubEnv('TEST_SAMPLE', String(day))
    return sampled(cases, 4)
  })
  expect(new Set(seen).size).toBe(cases.length)
})
