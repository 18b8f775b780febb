import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pool } from '../../server/database/sql.ts'
import { walkPages } from '../support/list.ts'
import { openWorld, type World } from '../support/world.ts'

/**
 * `PROPERTY_ROWS=1000000` walks over a large table, which takes minutes; `PROPERTY_WALKS=6` walks in more orders, and
 * `PROPERTY_SEED` repeats one.
 */
const { PROPERTY_ROWS: rows = '6000', PROPERTY_WALKS: walks = '2', PROPERTY_SEED: seed } = process.env

const filters = [
  { query: '', sql: 'true' },
  { query: '&owner_user_id=a', sql: `owner_user_id = 'a'` },
  { query: '&status=queued', sql: `status = 'queued'` },
  { query: '&status=processing,failed', sql: `status in ('processing', 'failed')` },
  { query: '&error=disk', sql: `error_message ilike '%disk%'` },
]

const list = fc.record({
  sort_by: fc.constantFrom('created_at', 'priority', 'status', 'completed_at', 'ended_at'),
  sort_order: fc.constantFrom('asc', 'desc'),
  filter: fc.constantFrom(...filters),
  random: fc.double({ min: 0, max: 1, noNaN: true }),
})

/** Columns with few values and with nulls, of rows `n`: other programs leave any time out. */
const values = `
  (array['queued', 'processing', 'completed', 'completed', 'completed', 'failed', 'cancelled', 'quarantined'])[1 + floor(random() * 8)],
  nullif(1 + floor(random() * 6)::int, 6),
  case when random() < 0.95 then now() - floor(random() * 5000) * interval '1 minute' end,
  case when random() < 0.6 then now() - floor(random() * 5000) * interval '1 minute' end,
  case when random() < 0.2 then now() - floor(random() * 5000) * interval '1 minute' end,
  (array['a', 'b', 'c'])[1 + floor(random() * 3)],
  case when random() < 0.01 then 'the disk is full' when random() < 0.3 then repeat('no answer ', 20) end`
const columns = 'status, priority, created_at, completed_at, cancelled_at, owner_user_id, error_message'

/** A statement may take a minute at most, so rows are inserted 20,000 at a time. */
async function fill(sql: Pick<Pool, 'unsafe'>, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 20_000) {
    await sql.unsafe(
      `insert into jobs (domain, queue, job_type, ${columns})
       select 'd', 'q', 't', ${values} from generate_series(1, ${Math.min(left, 20_000)}) as n`,
    )
  }
}

/** Other programs at work: inserts, updates and deletes of 20 jobs each. Returns a function that ends them. */
function startWriters({ sql }: World, most: number) {
  const touched = new Set<number>()
  let writing = true
  const write = async (): Promise<void> => {
    while (writing) {
      const ids = Array.from({ length: 20 }, () => 1 + Math.floor(Math.random() * most))
      for (const id of ids) touched.add(id)
      const named = `where id in (${ids.join()})`
      await sql.unsafe(`update jobs set (${columns}) = (select ${values} where jobs.id is not null) ${named}`)
      await sql.unsafe(`delete from jobs ${named} and id % 7 = 0`)
      await fill(sql, 5)
    }
  }
  const writers = [write(), write()]
  return {
    touched,
    stop: async () => {
      writing = false
      await Promise.all(writers)
    },
  }
}

const countsOf = (ids: readonly number[]): Map<number, number> => {
  const counts = new Map<number, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

describe('a walk over a large list on postgres', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())

  it('has each job that stays as it is exactly once, both ways, while others write', {
    timeout: 3_600_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(list, async ({ sort_by, sort_order, filter, random }) => {
        await world.clear()
        await world.sql.unsafe('truncate jobs restart identity cascade')
        await world.sql.begin(async (tx) => {
          await tx.unsafe(`select setseed(${random})`)
          await fill(tx, Number(rows))
        })
        await world.sql.unsafe('analyze jobs')
        const found = await world.sql.unsafe<{ id: number }[]>(`select id from jobs where ${filter.sql}`)
        const before = new Set(found.map(({ id }) => Number(id)))
        const { touched, stop } = startWriters(world, Number(rows))
        const limit = Number(rows) > 100_000 ? 1000 : 100
        const start = performance.now()
        const walk = await walkPages(
          world,
          `sort_by=${sort_by}&sort_order=${sort_order}&limit=${limit}${filter.query}`,
        ).finally(stop)
        if (process.env.PROPERTY_ROWS) {
          const seconds = Math.round((performance.now() - start) / 1000)
          const pages = walk.forward.length + walk.backward.length
          console.log(
            `${sort_by} ${sort_order} ${filter.query}: ${before.size} jobs, ${touched.size} touched, ${pages} pages, ${seconds} s`,
          )
        }
        const lastPage = new Set(walk.forward.at(-1))
        const [ahead, back] = [countsOf(walk.forward.flat()), countsOf(walk.backward.flat())]
        const stayed = [...before].filter((id) => !touched.has(id))
        expect(stayed.filter((id) => ahead.get(id) !== 1)).toEqual([])
        expect(stayed.filter((id) => !lastPage.has(id) && back.get(id) !== 1)).toEqual([])
        expect(stayed.filter((id) => lastPage.has(id) && back.has(id))).toEqual([])
        const strange = (id: number) => id <= Number(rows) && !before.has(id) && !touched.has(id)
        expect([...ahead.keys(), ...back.keys()].filter(strange)).toEqual([])
        expect(walk.scanned.filter((scanned) => Number(scanned) > 50_000 + limit)).toEqual([])
      }),
      { numRuns: Number(walks), endOnFailure: true, ...(seed !== undefined && { seed: Number(seed) }) },
    )
  })
})
