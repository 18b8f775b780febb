import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { mapFile } from '../../../support/engines/mapped.ts'
import { type ServedTables, serveTables } from '../../../support/engines/serve-tables.ts'
import { pageAfter } from '../../../support/list.ts'

const map = `table: app.jobs
key: id
queue: mail
status: {column: state, map: {waits: queued, done: completed}}
times: {created: created_at, due: day}
priority: {column: rank}
`

/** A column of type date keeps days that are no time of PostgreSQL. */
describe('a mapped table with a day that is no time', () => {
  let served: ServedTables
  beforeAll(async () => {
    const fill = (sql: postgres.Sql) =>
      sql.unsafe(`
        create schema app;
        create table app.jobs (id int primary key, state text, created_at timestamptz, day date, rank int);
        insert into app.jobs select n, 'waits', now() - n * interval '1 hour', '2030-01-01', n from generate_series(1, 5) as n`)
    served = await serveTables(fill, { env: { JOBS_MAP_FILE: await mapFile(map) } })
  })
  afterAll(() => served.close())

  it.each(['created_at', 'priority'])('blames the data for a later page by %s, and not the cursor', async (sort_by) => {
    const list = (more: Record<string, string> = {}) =>
      served.get('/api/v1/jobs/list', { sort_by, limit: '1', ...more })
    await served.sql`update app.jobs set day = '2030-01-01'`
    const cursor = pageAfter(await list(), 'next')?.get('cursor') ?? ''
    expect((await list({ cursor })).status).toBe(200)
    await served.sql`update app.jobs set day = '5000000-01-01'`
    const { detail } = z.object({ detail: z.string() }).parse((await list({ cursor })).body)
    expect(detail).toContain('date out of range for timestamp')
  })
})
