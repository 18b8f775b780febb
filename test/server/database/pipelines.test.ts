import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Running } from '../../../server/start.ts'
import { newDatabase, type TestDatabase } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'

const connections = 2

/** The driver as it is shipped: it sends up to 101 statements on a connection before the first of them is answered. */
describe('a transaction that begins behind other statements on its connection', () => {
  let database: TestDatabase
  let server: Running
  beforeAll(async () => {
    database = await newDatabase('postgres')
    server = await startServer({
      ...database.env,
      ...{ JOBS_DB_POOL: String(connections), SINGLE_USER_API_KEY: 'key-of-the-tests' },
    })
    await server.prepared
    await server.sql`create table transactions (n int)`
  })
  afterAll(async () => {
    await server?.stop()
    await database?.drop()
  })

  /** Statements that sleep keep both connections busy until all statements behind them are sent. */
  const occupy = (each: number) =>
    Array.from({ length: each * connections }, (_, n) =>
      n < connections ? server.sql`select pg_sleep(0.1)` : server.sql`select 1 as n`,
    )

  it.each([98, 99, 100, 101, 102])('commits as statement %i', async (nth) => {
    const { sql } = server
    await Promise.all(Array.from({ length: connections }, () => sql`select pg_sleep(0.1)`))
    const before = occupy(nth - 1).map((statement) => statement.execute())
    const begun = Array.from({ length: connections }, () =>
      sql.begin(async (tx) => {
        await tx`insert into transactions values (${nth})`
        const [row] = await tx<[{ n: number }]>`select count(*)::int as n from transactions where n = ${nth}`
        return row.n
      }),
    )
    const after = occupy(1)
    await Promise.all([...before, ...begun, ...after])
    expect([...(await sql`select count(*)::int as n from transactions where n = ${nth}`)]).toEqual([{ n: connections }])
    // The server's own work may be in a transaction at this moment; a connection that is left in one stays there.
    await until('neither connection is left in a transaction', async () => {
      const [states] = await sql<[{ n: number }]>`
        select count(*)::int as n
        from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'`
      return states.n === 0
    })
  })
})
