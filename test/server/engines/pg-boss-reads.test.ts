import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, oddQueues, schemaVersions } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'

const schema = `Queues "of" O'Brien`

describe.each(schemaVersions)('the jobs of pg-boss with schema %i', (version) => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version, schema })
    await fillPgBoss({ sql, version, schema })
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })

  const get = async (path: string, query: Record<string, string> = {}) => {
    const search = new URLSearchParams(query).toString()
    const url = `${path}${search === '' ? '' : `?${search}`}`
    return call({ url: server.url, method: 'GET', path: url, headers: { 'x-api-key': 'key' } })
  }

  it('are counted by queue, and dead letters by the queue that they come from', async () => {
    const live = { queued: 18, scheduled: 2, processing: 10, quarantined: 0, failed: 10 }
    const { plain, dead, odd, long } = oddQueues
    const none = { queued: 0, scheduled: 0, processing: 0, quarantined: 0, failed: 0 }
    const group = (queue: string, counts: object, job_type = '') => ({ domain: schema, queue, job_type, ...counts })
    const letters = version === 24 ? [] : [group(dead, { ...none, queued: 10 }, plain)]
    const blocked = version === 24 ? live : { ...live, queued: 17, scheduled: 3 }
    const { status, body } = await get('/api/v1/jobs/stats')
    expect({ status, body }).toEqual({
      status: 200,
      body: [group(odd, live), group(dead, none), ...letters, group(plain, live), group(long, blocked)],
    })
    expect((await get('/api/v1/jobs/stats', { queue: plain })).body).toEqual([group(plain, live)])
    expect((await get('/api/v1/jobs/stats', { domain: schema, job_type: plain })).body).toEqual(letters)
    expect((await get('/api/v1/jobs/stats', { domain: 'pgboss' })).body).toEqual([])
  })
})
