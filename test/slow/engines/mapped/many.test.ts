import postgres from 'postgres'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../../support/database/database.ts'
import {
  countDiffering,
  emailMap,
  fillEmailJobs,
  keyTypes,
  makeEmailJobs,
  mapFile,
} from '../../../support/engines/mapped.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { sampled } from '../../../support/sample.ts'

/** Several batches of a prune and of its undo. */
const ended = 25_000

const Pruned = z.looseObject({ deleted: z.number(), operation_id: z.number() })

describe('a mapped table with 25,000 jobs that have ended', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  afterEach(async () => {
    await server?.stop()
    await sql?.end()
    await database?.drop()
  })

  const post = (path: string, body: object) => {
    const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
    return call({ url: server.url, method: 'POST', path: `/api/v1/jobs/${path}`, headers, body })
  }

  it.each(sampled(keyTypes, 2))('is pruned by keys of type %s and given back, byte for byte', async (key) => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makeEmailJobs(sql, key)
    // Three in five have ended.
    await fillEmailJobs(sql, Math.ceil(ended / 3) * 5)
    await sql`create table before as select * from app.email_jobs`
    const env = { ...database.env, JOBS_MAP_FILE: await mapFile(emailMap) }
    expect(await runServer(['migrate', '--engine', 'mapped'], env)).toMatchObject({ code: 0 })
    server = await startServer({ ...env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
    const statuses = ['completed', 'failed', 'cancelled']
    const pruned = Pruned.parse((await post('prune', { domain: 'app', older_than_days: 1, statuses })).body)
    expect(pruned.deleted).toBeGreaterThanOrEqual(ended)
    expect(await countDiffering(sql)).toBe(pruned.deleted)
    const { body } = await post(`operations/${pruned.operation_id}/undo`, {})
    expect(body).toMatchObject({ affected: pruned.deleted, conflict_count: 0 })
    expect(await countDiffering(sql)).toBe(0)
  })
})
