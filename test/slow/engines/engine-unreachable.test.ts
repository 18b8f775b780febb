import postgres from 'postgres'
import { expect, it } from 'vitest'
import { emptyDatabase } from '../../support/database/database.ts'
import { makeBullMq } from '../../support/engines/bullmq.ts'
import { call } from '../../support/http.ts'
import { spawnServer } from '../../support/programs/spawn-server.ts'

it('a server goes on whose database goes away while it says what its engine can', async () => {
  const database = await emptyDatabase()
  const url = new URL(database.env.JOBS_DB_URL ?? '')
  const name = url.pathname.slice(1)
  const sql = postgres(url.href, { max: 1, onnotice: () => {} })
  await makeBullMq({ sql, version: 11 })
  await sql.end()
  const server = await spawnServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
  const admin = postgres(Object.assign(url, { pathname: '/postgres' }).href, { max: 1, onnotice: () => {} })
  const ask = async (path: string) =>
    (await call({ url: server.url, method: 'GET', path, headers: { 'x-api-key': 'key' } })).status
  try {
    await expect.poll(() => ask('/api/v1/engine'), { timeout: 60_000 }).toBe(200)
    await admin.unsafe(`alter database "${name}" allow_connections false`)
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`
    for (let call = 0; call < 5; call++) expect(await ask('/api/v1/engine')).not.toBe(200)
    await admin.unsafe(`alter database "${name}" allow_connections true`)
    expect(await ask('/healthz')).toBe(200)
  } finally {
    await admin.end()
    await server.stop()
    await database.drop()
  }
})
