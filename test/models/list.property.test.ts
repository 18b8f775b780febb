import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kinds } from '../support/database/database.ts'
import { insertRows } from '../support/database/tables.ts'
import { walkPages } from '../support/list.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '8', PROPERTY_SEED: seed } = process.env

const second = (n: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString()

const state = fc.constantFrom('queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined')
const time = fc.option(fc.nat(5).map(second))
const row = fc.record({
  status: state,
  priority: fc.option(fc.integer({ min: 1, max: 3 })),
  created_at: time,
  completed_at: time,
  cancelled_at: time,
  quarantined_at: time,
  owner_user_id: fc.constantFrom('a', 'b'),
})
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never

/** What other programs do between two pages: `at` chooses the job. */
const action = fc.record({ kind: fc.constantFrom('insert', 'delete', 'update', 'nothing'), at: fc.nat(), row })
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

const list = fc.record({
  sort_by: fc.constantFrom('created_at', 'priority', 'status', 'completed_at', 'ended_at'),
  sort_order: fc.constantFrom('asc', 'desc'),
  limit: fc.integer({ min: 1, max: 7 }).map(String),
  filter: fc.constantFrom('', 'owner_user_id=a', 'status=queued,failed', `created_after=${second(2)}`, 'batch_group=g'),
})

const complete = (fields: Row) => ({ ...fields, domain: 'd', queue: 'q', job_type: 't', batch_group: 'g' })

/** Runs one action, and returns the id of the job that it changed. */
async function run({ sql }: World, { kind, at, row }: Action, ids: readonly number[]): Promise<number[]> {
  const id = ids[at % Math.max(ids.length, 1)]
  if (kind === 'insert') return insertRows(sql, [complete(row)])
  if (id === undefined || kind === 'nothing') return []
  if (kind === 'delete') await sql`delete from jobs where id = ${id}::bigint`
  else {
    await sql`
      update jobs
      set status = ${row.status}, priority = ${row.priority}::int, created_at = ${row.created_at}::text::timestamptz,
          completed_at = ${row.completed_at}::text::timestamptz, owner_user_id = ${row.owner_user_id}
      where id = ${id}::bigint`
  }
  return [id]
}

const counted = (ids: readonly number[]): Map<number, number> => {
  const counts = new Map<number, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

describe.each(kinds)('pages of the list on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())

  it('have each job that stays as it is exactly once, both ways, while other jobs come, change and go', async () => {
    const table = fc.array(row, { maxLength: 30 })
    const actions = fc.array(action, { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(table, list, actions, async (rows, { filter, ...order }, between) => {
        await world.clear()
        const ids = await insertRows(world.sql, rows.map(complete))
        const query = `${new URLSearchParams(order)}&${filter}`
        const whole = await walkPages(world, `${new URLSearchParams({ ...order, limit: '1000' })}&${filter}`)
        const before = new Set(whole.forward.flat())
        const touched = new Set<number>()
        const left = [...between]
        const { forward, backward } = await walkPages(world, query, async () => {
          const next = left.shift()
          if (next) for (const id of await run(world, next, ids)) touched.add(id)
        })
        const lastPage = new Set(forward.at(-1))
        const stayed = ids.filter((id) => !touched.has(id) && before.has(id))
        const [ahead, back] = [counted(forward.flat()), counted(backward.flat())]
        expect(stayed.filter((id) => ahead.get(id) !== 1)).toEqual([])
        expect(stayed.filter((id) => !lastPage.has(id) && back.get(id) !== 1)).toEqual([])
        expect(stayed.filter((id) => lastPage.has(id) && back.has(id))).toEqual([])
        expect(ids.filter((id) => !touched.has(id) && !before.has(id) && (ahead.has(id) || back.has(id)))).toEqual([])
      }),
      { numRuns: Number(runs), ...(seed !== undefined && { seed: Number(seed) }) },
    )
  })
})
