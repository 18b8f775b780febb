import { setImmediate as nextTurnOfLoop } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createEventTail } from '../../../server/waiting/event-tail.ts'
import { turn } from '../../../server/waiting/turns.ts'

it('of a thousand callers, a few go on at once, in their order, and the event loop serves others in between', async () => {
  const order: number[] = []
  const all = Promise.all(Array.from({ length: 1000 }, (_, n) => turn().then(() => order.push(n))))
  const atOnce: number[] = []
  while (order.length < 1000) {
    const before = order.length
    await nextTurnOfLoop()
    atOnce.push(order.length - before)
  }
  await all
  expect(Math.max(...atOnce)).toBeLessThan(100)
  expect(order).toEqual(Array.from({ length: 1000 }, (_, n) => n))
})

it('a caller that comes alone goes on at once', async () => {
  await new Promise((resolve) => setTimeout(resolve, 5))
  let went = false
  void turn().then(() => {
    went = true
  })
  await Promise.resolve()
  await Promise.resolve()
  expect(went).toBe(true)
})

it('the head of the event log is read less often for a thousand followers than for one', async () => {
  const betweenReads = async (followers: number) => {
    const reads: number[] = []
    const reached = async () => {
      reads.push(performance.now())
      return reads.length
    }
    const tail = createEventTail({ intervalMs: 20, reached, read: async (_, last) => ({ events: [], last }) })
    const began = await tail.begin()
    reads.length = 0
    await Promise.all(
      Array.from({ length: followers }, async () => {
        let batch = began
        for (let n = 0; n < 3; n++) batch = await tail.next(batch.last, batch)
      }),
    )
    return (reads.at(-1) ?? 0) - (reads.at(-2) ?? 0)
  }
  expect(await betweenReads(1)).toBeLessThan(400)
  expect(await betweenReads(1000)).toBeGreaterThan(400)
})
