import { afterEach, expect, it, vi } from 'vitest'
import { sampled } from '../../support/sample.ts'

afterEach(() => vi.unstubAllEnvs())

const cases = Array.from({ length: 12 }, (_, n) => `case ${n}`)

it('is all cases by hand, and as many as are wanted, in their order, with a seed', () => {
  vi.stubEnv('TEST_SAMPLE', '')
  expect(sampled(cases, 4)).toEqual(cases)
  vi.stubEnv('TEST_SAMPLE', 'a')
  const some = sampled(cases, 4)
  expect(some).toHaveLength(4)
  expect(cases.filter((one) => some.includes(one))).toEqual(some)
  expect(sampled(cases, 4)).toEqual(some)
  expect(sampled(cases, 20)).toEqual(cases)
})

it('has each case with some seed', () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 40; seed++) {
    vi.stubEnv('TEST_SAMPLE', String(seed))
    for (const one of sampled(cases, 4)) seen.add(one)
  }
  expect(seen.size).toBe(cases.length)
})
