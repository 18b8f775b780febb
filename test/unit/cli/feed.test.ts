import { expect, it } from 'vitest'
import { createFeed } from '../../../server/waiting/feed.ts'

it('readers that wait at the same time share a read, and each reader is given each value once', async () => {
  let reads = 0
  const feed = createFeed<{ nth: number }>({ intervalMs: 1, read: async () => ({ nth: ++reads }) })
  const [one, other] = await Promise.all([feed.after(undefined), feed.after(undefined)])
  expect([one, other]).toEqual([{ nth: 1 }, { nth: 1 }])
  expect(await feed.after(one)).toEqual({ nth: 2 })
})

it('a value that is younger than the interval is given without a read, and nothing is read without readers', async () => {
  let reads = 0
  const feed = createFeed<{ nth: number }>({ intervalMs: 3_600_000, read: async () => ({ nth: ++reads }) })
  const first = await feed.after(undefined)
  expect(await feed.after(undefined)).toBe(first)
  expect(reads).toBe(1)
})

it('two reads begin no sooner after each other than the interval', async () => {
  const begins: number[] = []
  const feed = createFeed<{ at: number }>({
    intervalMs: 100,
    read: async () => {
      const at = performance.now()
      begins.push(at)
      return { at }
    },
  })
  let seen: { at: number } | undefined
  for (let n = 0; n < 3; n++) seen = await feed.after(seen)
  const pauses = begins.slice(1).map((at, nth) => at - (begins[nth] ?? 0))
  for (const pause of pauses) expect(pause).toBeGreaterThan(95)
})

it('a read that fails fails for its readers alone; the next read is given the value before it', async () => {
  const given: unknown[] = []
  const feed = createFeed<{ nth: number }>({
    intervalMs: 1,
    read: async (before) => {
      given.push(before)
      if (given.length === 2) throw new Error('lost')
      return { nth: given.length }
    },
  })
  const first = await feed.after(undefined)
  await expect(feed.after(first)).rejects.toThrow('lost')
  expect(await feed.after(first)).toEqual({ nth: 3 })
  expect(given).toEqual([undefined, first, first])
})

it('no reader is given the value before a read that failed', async () => {
  let reads = 0
  const feed = createFeed<{ nth: number }>({
    intervalMs: 200,
    read: async () => {
      if (++reads === 2) throw new Error('lost')
      return { nth: reads }
    },
  })
  await expect(feed.after(await feed.after(undefined))).rejects.toThrow('lost')
  expect(await feed.after(undefined)).toEqual({ nth: 3 })
})
