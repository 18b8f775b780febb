import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const tables = ['app.mails', 'app.texts', 'shop.orders'] as const
const map = `tables:
${tables
  .map(
    (table) => `  - table: ${table}
    domain: ${table.slice(table.indexOf('.') + 1)}
    key: id
    queue: all
    status: {column: state, map: {0: queued, 1: completed}}
    times: {created: made, ended: made}
    prune: {of: [completed]}
`,
  )
  .join('')}`

let served: ServedTables
beforeAll(async () => {
  served = await serveMapped(map, async (sql) => {
    await sql`create schema app`
    await sql`create schema shop`
    for (const table of tables) {
      await sql.unsafe(
        `create table ${table} (id bigint primary key, state integer not null, made timestamptz not null)`,
      )
      await sql.unsafe(
        `insert into ${table} select n, n % 2, now() - interval '9 days' from generate_series(1, 4) as n`,
      )
    }
  })
  await served.sql`drop table app.texts`
})
afterAll(() => served?.close())

const why =
  'the tables of mapped in app are not as they were when this server started: app.texts is not there any more; nothing was changed'
const instead = 'start the server again: it says what it finds'

it.each(['stats', 'list', 'clusters', 'history', 'job?key=all/1'])(
  '%s of all tables names the one that is gone, and how to read the others',
  async (path) => {
    expect(await served.get(`/api/v1/jobs/${path}`)).toMatchObject({
      status: 409,
      body: { detail: why, hint: `${instead}; for other jobs: --domain mails, --domain orders` },
    })
  },
)

it('refuses what is about that table, and nothing else', async () => {
  for (const argv of [
    ['stats'],
    ['list'],
    ['prune', '--older-than', '1d', '--dry-run'],
    ['explain', 'texts/all'],
    ['show', 'all/1'],
  ]) {
    const words = argv[0] === 'explain' ? [] : ['--domain', 'texts']
    const { code, err } = await served.jobsctl(...argv, ...words)
    expect({ argv, code, err }).toMatchObject({
      argv,
      code: 6,
      err: expect.stringContaining(`error: ${why}\n  hint: ${instead}\n`),
    })
  }
  for (const domain of ['mails', 'orders']) {
    expect(await served.jobsctl('stats', '--domain', domain)).toMatchObject({ code: 0 })
    expect(await served.jobsctl('prune', '--domain', domain, '--older-than', '1d', '--yes')).toMatchObject({
      code: 0,
      out: `deleted 2 jobs in ${domain}\n`,
    })
  }
})
