import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

/** Two schemas of the token, and one that it must not know. */
const schemas = ['first', 'second', 'secret']
const Operation = z.looseObject({ operation_id: z.number() })

let served: ServedTables
const tokens = new Map<string, string>()
beforeAll(async () => {
  served = await serveTables(
    async (sql) => {
      for (const schema of schemas) {
        const place = { sql, version: 46, schema } as const
        await makePgBoss(place)
        await makeQueue(place, 'mail')
        await sql`insert into ${sql(schema)}.job (name, state) values ('mail', 'created')`
      }
    },
    { records: 'pg-boss', env: { AUTH_MODE: 'multi_user' } },
  )
  for (const [name, ...scope] of [
    ['all'],
    ['narrow', '--queue', 'first/mail', '--domain', 'second'],
    ['elsewhere', '--domain', 'gone', '--domain', 'away'],
  ]) {
    const flags = ['token', 'create', name ?? '', '--role', scope.length === 0 ? 'admin' : 'operator', ...scope]
    const { out } = await runServer(flags, served.env)
    tokens.set(name ?? '', out.trim().split(/\s+/).at(-1) ?? '')
  }
})
afterAll(() => served?.close())

interface Asked {
  method?: 'GET' | 'POST'
  body?: object
  url?: string
}

const ask = (token: string, path: string, { method = 'POST', body = {}, url = served.url }: Asked = {}) =>
  call({
    ...{ url, method, path: `/api/v1/jobs/${path}` },
    ...(method === 'POST' && { body }),
    headers: { authorization: `Bearer ${tokens.get(token)}`, 'x-confirm': 'true' },
  })

it('a change without a domain names the domains of the scope alone', async () => {
  const retry = { body: { queue: 'mail', dry_run: true } }
  const told = await ask('narrow', 'batch/retry', retry)
  expect(told).toMatchObject({ status: 422, body: { hint: 'give one of them: --domain first, --domain second' } })
  expect(JSON.stringify(told.body)).not.toMatch(/secret|serves/)
  const none = await ask('elsewhere', 'batch/retry', retry)
  expect(none).toMatchObject({ status: 422, body: { detail: expect.stringContaining('does not say which') } })
  expect(JSON.stringify(none.body)).not.toMatch(/first|second|secret/)
  expect(await ask('all', 'batch/retry', retry)).toMatchObject({
    status: 422,
    body: { detail: expect.stringContaining('serves 3'), hint: expect.stringContaining('--domain secret') },
  })
})

it('an undo of an act says that it changed no jobs, and nothing outside of the scope', async () => {
  const undo = { body: { dry_run: true } }
  expect(await ask('all', 'operations/1/undo', undo)).toMatchObject({
    status: 409,
    body: { detail: 'operation 1 cannot be undone: it is an act, which changed no jobs; nothing was changed' },
  })
  expect(await ask('narrow', 'operations/1/undo', undo)).toMatchObject({
    status: 404,
    body: { detail: 'there is no operation 1' },
  })
})

it('an undo in a domain that is not served tells nothing outside of the scope', async () => {
  const made = await ask('all', 'batch/priority', { body: { domain: 'secret', all: true, priority: 3 } })
  const { operation_id } = Operation.parse(made.body)
  const others = await startServer({ ...served.env, JOBS_ENGINE_SCHEMA: 'first,second' })
  await others.prepared
  const undo = (token: string) =>
    ask(token, `operations/${operation_id}/undo`, { body: { dry_run: true }, url: others.url })
  expect(await undo('narrow')).toMatchObject({ status: 404 })
  expect(await undo('all')).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('secret.job'), hint: expect.stringContaining('it serves first, second') },
  })
  await others.stop()
})

it('a read of all schemas, of which one is gone, names none outside of the scope', async () => {
  await served.sql`alter schema secret rename to away`
  const [narrow, all] = [await ask('narrow', 'stats', { method: 'GET' }), await ask('all', 'stats', { method: 'GET' })]
  await served.sql`alter schema away rename to secret`
  expect(narrow).toMatchObject({
    status: 409,
    body: { hint: expect.stringContaining('for other jobs: --domain first, --domain second') },
  })
  expect(JSON.stringify(narrow.body)).not.toContain('secret')
  expect(all).toMatchObject({ status: 409, body: { detail: expect.stringContaining('secret.job') } })
})
