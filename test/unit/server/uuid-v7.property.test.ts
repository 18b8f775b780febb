import fc from 'fast-check'
import { expect, it } from 'vitest'
import { uuidV7 } from '../../../server/lifecycle/insert/uuid-v7.ts'

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** The 48 bits of milliseconds since 1970. */
const msOf = (uuid: string) => Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16)

it('a UUID has the version 7, the variant of RFC 9562, and the time at which it was made', () => {
  const before = Date.now()
  const uuid = uuidV7()
  expect(uuid).toMatch(shape)
  expect(msOf(uuid)).toBeGreaterThanOrEqual(before)
})

it('UUIDs sort in the order in which they are made, and no two are the same, within one millisecond and across it', () => {
  const uuids = Array.from({ length: 20_000 }, () => uuidV7())
  expect(new Set(uuids).size).toBe(uuids.length)
  expect([...uuids].sort()).toEqual(uuids)
})

it('whatever the clock does, each UUID is valid and sorts after the one before it', () => {
  let last = uuidV7()
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }), { minLength: 1 }), (times) => {
      for (const time of times) {
        const uuid = uuidV7(time)
        expect(uuid).toMatch(shape)
        expect(uuid > last).toBe(true)
        expect(msOf(uuid)).toBeGreaterThanOrEqual(time)
        last = uuid
      }
    }),
  )
})

it('the counter of a millisecond that overflows continues in the next millisecond', () => {
  const time = 2_000_000_000_000
  const uuids = Array.from({ length: 5000 }, () => uuidV7(time))
  expect(uuids.slice(0, 4096).every((uuid) => msOf(uuid) === time)).toBe(true)
  expect(uuids.slice(4096).every((uuid) => msOf(uuid) === time + 1)).toBe(true)
  expect([...uuids].sort()).toEqual(uuids)
})
