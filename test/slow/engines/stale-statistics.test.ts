import type postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

let served: ServedTables
let sql: postgres.Sql
beforeAll(async () => {
  served = await serveTables(
    async (made) => {
      sql = made
      await makePgBoss({ sql, version: 46 })
      await makeQueue({ sql, version: 46 }, 'old')
      await makeQueue({ sql, version: 46 }, 'new')
      await sql`alter table pgboss.job_common set (autovacuum_enabled = false)`
      await sql`insert into pgboss.job (name) select 'old' from generate_series(1, 1000)`
      await sql`analyze pgboss.job_common`
      await sql`
        insert into pgboss.job (name, state, completed_on) select 'new', 'failed', now() from generate_series(1, 60000)`
    },
    { records: 'pg-boss' },
  )
})
afterAll(() => served.close())

it('reads the ids of a batch once, where PostgreSQL does not know yet how many jobs a queue has', async () => {
  const begun = performance.now()
  const { status, body } = await served.post('retry-now', { domain: 'pgboss', queue: 'new', limit: 500 })
  expect({ status, body }).toMatchObject({ status: 200, body: { affected: 500 } })
  expect(performance.now() - begun).toBeLessThan(4000)
})
