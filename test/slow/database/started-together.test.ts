import { readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { afterEach, beforeEach, it } from 'vitest'
import type { Running } from '../../../server/start.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { postgresUrl } from '../../support/run/shared.ts'

const firstMigration = new URL('../../../server/database/migrate/migrations/0001_tables.sql', import.meta.url)

let database: TestDatabase
let other: postgres.Sql
const running: Running[] = []
beforeEach(async () => {
  database = await emptyDatabase()
  const { pathname } = new URL(database.env.JOBS_DB_URL ?? '')
  other = postgres(Object.assign(new URL(await postgresUrl()), { pathname }).href, { max: 2, onnotice: () => {} })
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()))
  await other.end()
  await database.drop()
})

it('a server starts where another one makes the tables between its reads of the catalog', async () => {
  // Of these reads, only the one for tables of other programs reads pg_depend.
  await other.begin(async (sql) => {
    await sql`lock table pg_catalog.pg_depend in access exclusive mode`
    running.push(await startServer({ ...database.env, JOBS_ENGINE: 'auto' }))
    await until('the server waits', async () => {
      const [row] = await sql<[{ waits: boolean }]>`
        select exists (select from pg_locks where not granted and relation = 'pg_depend'::regclass) as waits`
      return row.waits
    })
    await sql.unsafe(await readFile(firstMigration, 'utf8'))
  })
  await Promise.all(running.map(({ prepared }) => prepared))
})
