import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, oddQueues } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const Accepted = z.looseObject({ operation_id: z.number() })

describe('a change of jobs of pg-boss whose server has stopped', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  const env = { SINGLE_USER_API_KEY: 'key' }
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version: 46 })
    await fillPgBoss({ sql, version: 46 })
    for (const engine of ['own', 'own,pg-boss'])
      expect(await runServer(['migrate'], { ...database.env, JOBS_ENGINE: engine })).toMatchObject({ code: 0 })
  })
  afterEach(async () => {
    await sql.end()
    await database.drop()
  })

  const serve = async (engine: string) => {
    const server = await startServer({ ...database.env, ...env, JOBS_ENGINE: engine })
    await server.prepared
    return server
  }
  const record = async (operation: number) => {
    const [row] = await sql<[{ state: string; affected: number; error: string | null }]>`
      select state, affected::int, error from job_operations where id = ${operation}`
    return row
  }
  /** Begins a slow change, waits until a batch of it is made, and stops its server. */
  const begin = async () => {
    const server = await serve('own,pg-boss')
    const { status, body } = await call({
      url: server.url,
      method: 'POST',
      path: '/api/v1/jobs/batch/priority',
      headers: { 'x-api-key': 'key', 'x-confirm': 'true', prefer: 'respond-async' },
      body: { domain: 'pgboss', queue: oddQueues.plain, priority: 6, rate: 1 },
    })
    expect(status).toBe(202)
    const { operation_id } = Accepted.parse(body)
    await until('a batch is made', async () => (await record(operation_id)).affected > 0)
    await server.stop()
    expect(await record(operation_id)).toMatchObject({ state: 'running' })
    return operation_id
  }

  it('is not taken for one of our own by a server of those alone, and ends there as partial', async () => {
    const operation = await begin()
    const { affected } = await record(operation)
    const alone = await serve('own')
    await until('the record is closed', async () => (await record(operation)).state !== 'running')
    await alone.stop()
    expect(await record(operation)).toMatchObject({
      state: 'partial',
      affected,
      error: expect.stringContaining('which this server does not serve'),
    })
  })

  it('goes on at a server of both', async () => {
    const operation = await begin()
    const both = await serve('own,pg-boss')
    await until('the record is closed', async () => (await record(operation)).state !== 'running')
    await both.stop()
    const [{ count }] = await sql<[{ count: number }]>`
      select count(*)::int as count from pgboss.job where name = ${oddQueues.plain} and priority = 6`
    expect(await record(operation)).toMatchObject({ state: 'done', affected: count })
  })
})
