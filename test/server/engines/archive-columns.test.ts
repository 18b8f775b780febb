import { expect, it } from 'vitest'
import { fillPgBoss, makePgBoss } from '../../support/engines/pg-boss.ts'
import { serveTables } from '../../support/engines/serve-tables.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'

it('a server over tables to which pg-boss has added a column since the records were made reads the archive as it is', async () => {
  const fill = async (sql: Parameters<Parameters<typeof serveTables>[0]>[0]) => {
    await makePgBoss({ sql, version: 46 })
    await fillPgBoss({ sql, version: 46 })
    await sql`update pgboss.job set completed_on = now() - interval '9 days' where state in ('completed', 'failed')`
  }
  const served = await serveTables(fill, { records: 'pg-boss' })
  const pruned = await served.post('prune', { domain: 'pgboss', older_than_days: 1, statuses: ['completed'] })
  expect(pruned).toMatchObject({ status: 200 })
  const [gone] = await served.sql<[{ id: string }]>`select id from jobsctl.pgboss_archive limit 1`
  await served.sql`alter table jobsctl.pgboss_archive drop column upsert_by_key`
  const server = await startServer(served.env)
  await server.prepared
  const get = (key: string) =>
    call({
      url: server.url,
      headers: { 'x-api-key': 'key' },
      method: 'GET',
      path: `/api/v1/jobs/job?${new URLSearchParams({ key })}`,
    })
  const answers = [await get(gone.id), await get('00000000-0000-4000-8000-000000000000')]
  const kept = await call({
    url: server.url,
    headers: { 'x-api-key': 'key', 'x-confirm': 'true' },
    method: 'POST',
    path: '/api/v1/jobs/prune',
    body: { domain: 'pgboss', older_than_days: 1, statuses: ['failed'] },
  })
  await server.stop()
  await served.close()
  expect(answers).toMatchObject([{ status: 200, body: { uuid: gone.id } }, { status: 404 }])
  expect(kept).toMatchObject({
    status: 409,
    body: {
      detail:
        'the archive of jobs-server has no column upsert_by_key, which pg-boss has in pgboss; nothing was changed',
      hint: expect.stringContaining('jobs-server migrate'),
    },
  })
})
