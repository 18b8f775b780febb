import type postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const schema = 'bullmq'

let served: ServedTables
let sql: postgres.Sql
beforeAll(async () => {
  const fill = async (made: postgres.Sql) => {
    sql = made
    await makeBullMq({ sql, version: 11, schema })
    await fillBullMq({ sql, version: 11, schema })
    await sql.unsafe(`
      alter table bullmq.job add column number bigint generated always as identity unique;
      create table notes (job_number bigint references bullmq.job (number) on delete cascade);
      insert into notes select number from bullmq.job`)
  }
  served = await serveTables(fill, { records: 'bullmq' })
})
afterAll(() => served.close())

it('refuses a prune of jobs to which rows refer by a column that jobs-server does not know', async () => {
  const request = { domain: schema, older_than_days: 1 }
  const notes = async () => (await sql`select from notes`).count
  const before = await notes()
  const preview = await served.post('prune', { ...request, dry_run: true })
  const { status, body } = await served.post('prune', request)
  expect({ preview, status, body, left: await notes() }).toMatchObject({
    preview: { status: 200 },
    status: 409,
    body: { code: 'foreign_rows', detail: expect.stringContaining('public.notes (unknown)') },
    left: before,
  })
})
