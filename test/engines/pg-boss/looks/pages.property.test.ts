import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import type { Answer } from '../../../support/http.ts'
import { listPath, pageAfter } from '../../../support/list.ts'
import type { World } from '../../../support/world.ts'
import { fill } from '../../support/rows.ts'
import { besideEach, readable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

const count = 1_500
const queues = ['a', 'b/c', 'd']

const Listed = z.array(z.looseObject({ id: z.string() }))

/** The ids of all pages from the first to the last, and back to the first. */
async function walk(world: World, query: string): Promise<{ there: string[]; back: string[] }> {
  const read = async (page: URLSearchParams): Promise<Answer & { ids: string[] }> => {
    const answer = await world.call('GET', `${listPath}?${page}`)
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
    return { ...answer, ids: Listed.parse(answer.body).map(({ id }) => id) }
  }
  let page = await read(new URLSearchParams(query))
  const there = [...page.ids]
  for (let next = pageAfter(page, 'next'); next; next = pageAfter(page, 'next')) {
    page = await read(next)
    there.push(...page.ids)
  }
  const back = [...page.ids]
  for (let prev = pageAfter(page, 'prev'); prev; prev = pageAfter(page, 'prev')) {
    page = await read(prev)
    back.unshift(...page.ids)
  }
  return { there, back }
}

const walks = fc.record({
  limit: fc.integer({ min: 40, max: 1000 }),
  sort_by: fc.constantFrom('created_at', 'priority', 'status', 'completed_at', 'ended_at'),
  sort_order: fc.constantFrom('asc', 'desc'),
  filter: fc.constantFrom(
    { query: '', sql: 'true' },
    { query: '&queue=a', sql: `name = 'a'` },
    { query: '&status=failed', sql: `state = 'failed'` },
    { query: '&status=queued,processing', sql: `state in ('created', 'retry', 'active')` },
  ),
})

besideEach(readable, 'pages', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    for (const queue of queues) await boss.queue(queue, { partition: queue === 'd' })
    await fill(database.sql, {
      queues,
      count,
      states: ['created', 'retry', 'active', 'completed', 'cancelled', 'failed'],
    })
    // Equal keys are what a page may lose or show twice.
    await database.sql`update pgboss.job set created_on = date_trunc('second', created_on), priority = (data ->> 'i')::int % 3`
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('have every job once, whatever their size and order', async () => {
    await fc.assert(
      fc.asyncProperty(walks, async ({ limit, sort_by, sort_order, filter }) => {
        const query = `limit=${limit}&sort_by=${sort_by}&sort_order=${sort_order}${filter.query}`
        const { there, back } = await walk(world, query)
        const rows = await database.sql.unsafe<{ key: string }[]>(
          `select replace(name, '/', '%2F') || '/' || id as key from pgboss.job where ${filter.sql}`,
        )
        expect(there.toSorted()).toEqual(rows.map(({ key }) => key).toSorted())
        expect(back).toEqual(there)
      }),
      { numRuns: 8 },
    )
  })
})
