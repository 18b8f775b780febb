import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { readWhole } from '../../../../server/endpoints/metrics/readings.ts'
import { kinds } from '../../../support/database/database.ts'
import { openWorld } from '../../../support/world.ts'

/** Looks at the oldest open transaction. One look in 40 meets a listener that takes in a notification. */
const looks = 1000

describe.runIf(kinds.includes('postgres'))('the oldest open transaction', () => {
  it('is none of a session that listens, while it takes in a notification', { timeout: 600_000 }, async () => {
    const world = await openWorld('postgres')
    const url = world.env.JOBS_DB_URL ?? ''
    const listeners = Array.from({ length: 10 }, () => postgres(url, { max: 1 }))
    await Promise.all(listeners.map((session) => session.listen('told', () => {})))
    const [{ began }] = await world.sql<
      [{ began: number }]
    >`select extract(epoch from clock_timestamp())::float8 as began`
    const seen: { age: number; listening: number }[] = []
    const notify = async () => {
      while (seen.length < looks)
        await world.sql`select pg_notify('told', gen_random_uuid()::text || repeat('x', 4000))`
    }
    const look = async () => {
      while (seen.length < looks) {
        const { oldest_transaction: age } = await readWhole(world.sql)
        const [{ now }] = await world.sql<
          [{ now: number }]
        >`select extract(epoch from clock_timestamp())::float8 as now`
        seen.push({ age, listening: now - began })
      }
    }
    await Promise.all([notify(), notify(), look()])
    expect(seen.filter(({ age, listening }) => listening > 1 && age > listening - 0.5)).toEqual([])
    await Promise.all(listeners.map((session) => session.end()))
    await world.stop()
  })
})
