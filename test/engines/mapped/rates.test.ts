import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { overview, queueMinutes } from '../../../shared/endpoints.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { callEachPageDear } from '../support/planner.ts'

let database: TestDatabase
let sql: postgres.Sql
let server: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  database = await emptyDatabase()
  sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  await makeEmailJobs(sql, 'bigint')
  await fillEmailJobs(sql, 600)
  await sql`update app.email_jobs set updated_at = now() - interval '1 minute' where state = 3`
  await sql`analyze app.email_jobs`
  await callEachPageDear(sql)
  server = await startServer({
    ...database.env,
    JOBS_MAP_FILE: await mapFile(emailMap),
    SINGLE_USER_API_KEY: 'key',
  })
  await server.prepared
})
afterAll(async () => {
  await server?.stop()
  await sql?.end()
  await database?.drop()
})

const read = async (path: string) => {
  const { status, body } = await call({ url: server.url, method: 'GET', path, headers: { 'x-api-key': 'key' } })
  expect({ status, body }).toMatchObject({ status: 200 })
  return body
}
const queues = JSON.stringify([['app', 'mail']])
const minutes = async () =>
  queueMinutes.output.parse(await read(`${queueMinutes.path}?${new URLSearchParams({ queues })}`)).queues[0]

it('rates of a large table are not known, and are once an index has the times of the ends', async () => {
  const before = overview.output.parse(await read(overview.path))
  expect(before).toMatchObject({ rates_of: null, failing_queues: 0, totals: { failed_per_minute: null } })
  expect(before.why).toContain('create index concurrently on app.email_jobs (updated_at)')
  expect(await minutes()).toMatchObject({ done: null, failed: null })
  await sql`create index concurrently on app.email_jobs (updated_at)`
  const after = await until('the rates are known', async () => {
    const now = overview.output.parse(await read(overview.path))
    return now.rates_of === 'jobs' ? now : undefined
  })
  expect(after.failing_queues).toBe(2)
  expect(after.attention).toContainEqual(
    expect.objectContaining({ kind: 'failing', queue: 'mail', pattern: 'SMTP refused message #', jobs: 80 }),
  )
  expect((await minutes())?.failed?.reduce((sum, jobs) => sum + jobs, 0)).toBe(80)
})
