import { expect, it } from 'vitest'
import type { Pressure } from '../../../server/bulk/pressure/look.ts'
import { createPause } from '../../../server/bulk/pressure/pause.ts'

const pressure: Pressure = {
  why: 'replica_lag',
  name: 'r1',
  value: 30,
  limit: 10,
  detail: 'the replica r1 lags by 30 s (limit 10 s)',
}

interface Script {
  /** Whether the look at this time, in milliseconds, finds a limit exceeded. */
  isAbove: (time: number) => boolean
  stopAt?: number
  askAt?: number
  lookMs?: number
}

/** A pause whose clock goes on only while it sleeps or looks. */
async function scripted({ isAbove, stopAt = Infinity, askAt = Infinity, lookMs = 0 }: Script) {
  let time = 0
  const pass = (ms: number) => {
    time += ms
  }
  const looks: number[] = []
  const told: (number | undefined)[] = []
  const pause = createPause({
    now: () => time,
    sleep: async (ms) => pass(ms),
    mustStop: () => time >= stopAt,
    look: async () => {
      looks.push(time)
      time += lookMs
      return isAbove(time) ? pressure : undefined
    },
    tell: async (waiting) => {
      told.push(waiting?.seconds)
      return time >= askAt ? 'somebody stopped it' : undefined
    },
  })
  await pause() // before the first batch, which waits for nothing
  return { pause, looks, told, pass, time: () => time }
}

it('looks at most once in three seconds, and less often where a look takes long', async () => {
  const quick = await scripted({ isAbove: () => false })
  for (let batch = 0; batch < 100; batch++) {
    expect(await quick.pause()).toBeUndefined()
    quick.pass(100)
  }
  expect(quick.looks).toEqual([0, 3000, 6000, 9000])
  expect(quick.told).toEqual([])

  const slow = await scripted({ isAbove: () => false, lookMs: 1000 })
  for (let batch = 0; batch < 100; batch++) {
    await slow.pause()
    slow.pass(100)
  }
  expect(slow.looks).toEqual([0])
})

it('waits until no limit is exceeded, and tells for how long it has waited', async () => {
  const { pause, told, time } = await scripted({ isAbove: (at) => at < 8000 })
  expect(await pause()).toBeUndefined()
  expect(told).toEqual([0, 3, 6, undefined])
  expect(time()).toBe(9000)
})

it('ends the change after ten minutes', async () => {
  const { pause, time } = await scripted({ isAbove: () => true })
  expect(await pause()).toBe('it waited for 10 minutes, since the replica r1 lags by 30 s (limit 10 s)')
  expect(time()).toBe(600_000)
})

it('begins to count again after it went on', async () => {
  const { pause, pass } = await scripted({ isAbove: (at) => at < 400_000 || at > 420_000 })
  expect(await pause()).toBeUndefined()
  pass(30_000)
  expect(await pause()).toContain('10 minutes')
})

it('ends its wait when the change must stop, or somebody asks for it', async () => {
  const stopped = await scripted({ isAbove: () => true, stopAt: 5000 })
  expect(await stopped.pause()).toBeUndefined()
  expect(stopped.time()).toBeLessThan(5300)
  const asked = await scripted({ isAbove: () => true, askAt: 5000 })
  expect(await asked.pause()).toBe('somebody stopped it')
})
