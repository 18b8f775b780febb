import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, makeQueue, oddQueues } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const [first, second] = ['pgboss', `My "Boss's"/Jobs`] as const

describe('names of queues of pg-boss', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version: 46 })
    await fillPgBoss({ sql, version: 46 })
    for (const name of others) await makeQueue({ sql, version: 46 }, name)
    for (const name of others)
      await sql`insert into pgboss.job (name, state, completed_on) values (${name}, 'failed', now() - interval '2 days')`
    await sql`update pgboss.job set completed_on = now() - interval '2 days' where state = 'failed'`
    expect(await runServer(['migrate', '--engine', 'pg-boss'], database.env)).toMatchObject({ code: 0 })
    await serve()
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })

  /** As long as a name may be, with quotes, slashes, control characters and characters of four bytes. */
  const longest = `😀 "it's" a/b\n\u001b[31m%2F --yes ${'ä'.repeat(1024)}`.slice(0, 1025)
  const others = [longest, '-1', 'Upper CASE', '$(id)', 'a\tb']
  const serve = async (env: Record<string, string> = {}) => {
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key', ...env })
    await server.prepared
  }
  const ask = (method: 'GET' | 'POST', path: string, body?: object) =>
    call({ url: server.url, method, path, headers: { 'x-api-key': 'key', 'x-confirm': 'true' }, body })
  const jobsctl = (argv: string[]) => runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })

  it('lead a list on after a key of which every character is escaped', async () => {
    const queue = '/'.repeat(1000)
    await makeQueue({ sql, version: 46 }, queue)
    await sql`insert into pgboss.job (name) select ${queue} from generate_series(1, 3)`
    const { code, out, err } = await jobsctl(['list', `--queue=${queue}`, '--ids', '--all-pages'])
    expect({ code, err, ids: new Set(out.split('\n').filter(Boolean)).size }).toMatchObject({ code: 0, ids: 3 })
    const page = await ask('GET', `/api/v1/jobs/list?limit=1&queue=${encodeURIComponent(queue)}`)
    const next = /<\?([^>]*)>; rel="next"/.exec(page.headers.link ?? '')?.[1]
    expect(await ask('GET', `/api/v1/jobs/list?${next}`)).toMatchObject({ status: 200, body: [{ queue }] })
  })

  it.each([oddQueues.odd, oddQueues.long, ...others])('%j is a filter of every read and change', async (queue) => {
    const [{ failed, all }] = await sql<[{ failed: number; all: number }]>`
      select count(*) filter (where state = 'failed')::int as failed, count(*)::int as all from pgboss.job where name = ${queue}`
    const scope = [`--queue=${queue}`]
    const list = await jobsctl(['list', ...scope, '--limit', '100', '--json'])
    expect(list, list.err).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(list.out).map((job: { queue: string }) => job.queue)).toEqual(Array(all).fill(queue))
    for (const command of ['stats', 'clusters', 'workers', 'history', 'stale', 'operations', 'events']) {
      const { code, err } = await jobsctl([command, ...scope, '--json'])
      expect({ command, code, err }).toMatchObject({ command, code: 0, err: expect.not.stringContaining('error') })
    }
    const change = ['--domain', 'pgboss', ...scope]
    for (const command of ['prune', 'retry', 'cancel', 'redrive']) {
      const { code, err } = await jobsctl([command, ...change, '--dry-run'])
      expect({ command, code, err }).toMatchObject({ command, code: 0, err: expect.not.stringContaining('error') })
    }
    const pruned = await jobsctl(['prune', ...change, '--status', 'failed', '--older-than', '1d', '--yes', '--json'])
    expect(pruned, pruned.err).toMatchObject({ code: 0 })
    const { affected, operation_ids } = JSON.parse(pruned.out)
    expect(affected).toBe(failed)
    const undone = await jobsctl(['undo', String(operation_ids[0]), ...scope, '--yes', '--json'])
    expect(undone, undone.err).toMatchObject({ code: 0 })
    const retried = await jobsctl(['retry', ...change, '--yes', '--json'])
    expect(retried, retried.err).toMatchObject({ code: 0 })
    expect(JSON.parse(retried.out)).toMatchObject({ affected: failed })
  })

  it('are refused beyond what a filter takes, in the words of the server', async () => {
    expect(await ask('GET', `/api/v1/jobs/stats?queue=${'x'.repeat(1025)}`)).toMatchObject({
      status: 422,
      body: { detail: 'queue must be at most 1024 characters' },
    })
    expect(await ask('GET', '/api/v1/jobs/stats?queue=a%00b')).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'queue', message: 'must not contain null characters' }] },
    })
    expect(await ask('GET', `/api/v1/jobs/stats?domain=${'x'.repeat(129)}`)).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'domain', message: 'must be at most 128 characters' }] },
    })
  })

  it.each([oddQueues.plain, oddQueues.long, '-1'])('%j needs no domain in explain', async (queue) => {
    const { code, out, err } = await jobsctl(['explain', '--json', '--', queue])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({ domain: 'pgboss', queue })
    expect(await jobsctl(['explain', '--domain', 'other', '--', queue])).toMatchObject({ code: 2, out: '' })
    expect(await jobsctl(['explain', '--domain', 'pgboss', '--', queue])).toMatchObject({ code: 0 })
  })

  it('that no queue has are not found by explain', async () => {
    expect(await jobsctl(['explain', 'nobody'])).toMatchObject({
      code: 5,
      err: expect.stringContaining('pgboss/nobody'),
    })
    expect(await jobsctl(['explain', 'nobody', '--curl'])).toMatchObject({ code: 2, out: '' })
  })

  it('need a domain in explain where there are several, and in filters about own jobs have 128 characters', async () => {
    await makePgBoss({ sql, version: 46, schema: second })
    await fillPgBoss({ sql, version: 46, schema: second })
    await server.stop()
    await serve()
    const several = await jobsctl(['explain', 'mail'])
    expect(several).toMatchObject({ code: 2, out: '', err: expect.stringContaining('2 domains have a queue mail') })
    expect(several.err).toContain('jobsctl explain --domain pgboss mail')
    expect(several.err).toContain(`jobsctl explain --domain 'My "Boss'\\''s"/Jobs' mail`)
    expect(JSON.parse((await jobsctl(['explain', 'mail', '--domain', second, '--json'])).out)).toMatchObject({
      domain: second,
      queue: 'mail',
    })
    await server.stop()
    await serve({ JOBS_ENGINE: 'own,pg-boss' })
    expect(await jobsctl(['explain', 'mail'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('2 domains have a queue mail'),
    })
    const { long } = oddQueues
    expect(await ask('GET', `/api/v1/jobs/stats?queue=${long}`)).toMatchObject({
      status: 422,
      body: { detail: 'queue must be at most 128 characters' },
    })
    expect(await ask('GET', `/api/v1/jobs/stats?queue=${long}&domain=own`)).toMatchObject({ status: 422 })
    expect(await ask('GET', `/api/v1/jobs/stats?queue=${long}&domain=${first}`)).toMatchObject({
      status: 200,
      body: [{ domain: first, queue: long }],
    })
  })
})
