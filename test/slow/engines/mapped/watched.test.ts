import postgres from 'postgres'
import { expect, it, onTestFinished } from 'vitest'
import { emptyDatabase } from '../../../support/database/database.ts'
import { mapFile } from '../../../support/engines/mapped.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const mapOf = (table: string) => `
  - table: app.${table}
    domain: ${table}
    key: id
    queue: mail
    status: {column: state, map: {waits: queued, dead: failed}}
    times: {created: created_at}
    retry: {set: {state: waits}}`

it('a table that gets a column closes its own changes until it has lost it, and says so once', async () => {
  const database = await emptyDatabase()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  onTestFinished(async () => {
    await sql.end()
    await database.drop()
  })
  await sql.unsafe('create schema app')
  for (const table of ['first', 'second', 'looked'])
    await sql.unsafe(`create table app.${table} (id int primary key, state text, created_at timestamptz default now());
      insert into app.${table} values (1, 'dead'), (2, 'dead')`)
  const maps = `tables:${['looked', 'first', 'second'].map(mapOf).join('').replace('key: id', 'key: id\n    look_only: true')}`
  const env = { ...database.env, SINGLE_USER_API_KEY: 'key', JOBS_MAP_FILE: await mapFile(maps) }
  expect(await runServer(['migrate', '--engine', 'mapped'], env)).toMatchObject({ code: 0 })
  const log: string[] = []
  const server = await startServer(env, (line) => void log.push(line))
  onTestFinished(() => server.stop().then(() => undefined))
  await server.prepared
  const ask = (method: 'GET' | 'POST', path: string, body?: object) =>
    call({ url: server.url, method, path, headers: { 'x-api-key': 'key', 'x-confirm': 'true' }, body })
  const isClosed = async () => JSON.stringify((await ask('GET', '/api/v1/engine')).body).includes('is not as it was')
  const retry = (domain: string) => ask('POST', '/api/v1/jobs/batch/retry', { domain })

  expect((await ask('GET', '/api/v1/engine')).body).toMatchObject({
    engines: [
      { schema: 'looked', mode: 'look' },
      { schema: 'first', mode: 'admin', changes: true },
      { schema: 'second', mode: 'admin', changes: true },
    ],
  })
  await sql.unsafe('alter table app.looked add column more int; alter table app.first add column more int')
  await until('changes are closed', isClosed)
  expect(await retry('first')).toMatchObject({
    status: 422,
    body: { code: 'not_supported', detail: expect.stringContaining('app.first is not as it was') },
  })
  expect(await retry('second')).toMatchObject({ status: 200, body: { affected: 2 } })
  await sql`alter table app.first drop column more`
  await until('changes are open', async () => !(await isClosed()))
  expect(await retry('first')).toMatchObject({ status: 200, body: { affected: 2 } })
  await until('the log says so', () => log.some((line) => line.includes('can be counted and changed again')))
  const said = log.filter((line) => /no change is made any more|counted and changed again/.test(line))
  expect(said).toEqual([
    expect.stringContaining('no change is made any more: app.first is not as it was'),
    expect.stringContaining('jobs of the domain first can be counted and changed again'),
  ])
})
