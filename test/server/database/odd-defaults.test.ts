import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newDatabase, type TestDatabase } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { workerOf } from '../../support/worker.ts'
import { paths } from '../../support/world.ts'

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
const key = 'key-of-the-tests'

describe('a database whose defaults are odd', () => {
  let database: TestDatabase
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    database = await newDatabase('postgres')
    const { sql, prepared, stop } = await startServer({ ...database.env, SINGLE_USER_API_KEY: key })
    await prepared
    const name = new URL(database.env.JOBS_DB_URL ?? '').pathname.slice(1)
    for (const setting of [
      `default_transaction_isolation to 'serializable'`,
      `datestyle to 'German, DMY'`,
      `intervalstyle to 'sql_standard'`,
      'extra_float_digits to -10',
      `bytea_output to 'escape'`,
      'standard_conforming_strings to off',
      `timezone to 'Asia/Kathmandu'`,
    ]) {
      await sql.unsafe(`alter database ${name} set ${setting}`)
    }
    // As before its indexes: they are built again, beside the transaction that holds the lock.
    await sql`delete from jobsctl_migrations where name like '%concurrent%'`
    await sql`drop index jobsctl_next`
    await stop()
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: key })
    await server.prepared
  })
  afterAll(async () => {
    await server?.stop()
    await database?.drop()
  })

  it('gives its indexes, its times and its events as any other', async () => {
    const post = (path: string, body: unknown) =>
      call({ url: server.url, method: 'POST', path, body, headers: { 'x-api-key': key, 'x-confirm': 'true' } })
    const { sql } = server
    expect(await sql`select from pg_index where indexrelid = 'jobsctl_next'::regclass and indisvalid`).toHaveLength(1)
    const worker = workerOf(post)
    await worker.enqueue({ queue: 'q' })
    const job = await worker.take({ queue: 'q' })
    expect([job.created_at, job.leased_until, job.acquired_at]).toEqual([1, 2, 3].map(() => expect.stringMatching(iso)))
    const [row] =
      await sql`select attrs_json ->> 'leased_until' as until from job_events where event_type = 'job.acquired'`
    expect(row?.until).toMatch(iso)
    await sql`update jobs set status = 'completed', completed_at = now() - interval '90 days', progress_percent = 0.1`
    const before = await sql`select to_jsonb(jobs) from jobs`
    expect(await post(paths.prune, {})).toMatchObject({ body: { deleted: 1 } })
    expect(await post('/api/v1/jobs/operations/1/undo', {})).toMatchObject({ body: { affected: 1 } })
    expect(await sql`select to_jsonb(jobs) from jobs`).toEqual(before)
  })
})
