import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Running } from '../../../server/start.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { everyRead, rowsOfAllKinds } from '../../support/replay/reads.ts'

const key = 'key-of-the-tests'

describe('the schema of the tables', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let running: Running | undefined
  let log: string[]
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    log = []
  })
  afterEach(async () => {
    await stop()
    await sql.end()
    await database.drop()
  })

  const stop = async () => {
    await running?.stop()
    running = undefined
  }
  const serve = async (env: Record<string, string> = {}): Promise<string> => {
    running = await startServer({ ...database.env, SINGLE_USER_API_KEY: key, ...env }, (line) => void log.push(line))
    await running.prepared
    return running.url
  }
  const enqueue = (url: string) =>
    call({
      url,
      method: 'POST',
      path: '/api/v1/jobs',
      body: { domain: 'a', queue: 'b', job_type: 'c', payload: {} },
      headers: { 'x-api-key': key },
    })
  const countIn = async (schema: string) =>
    (await sql<[{ count: string }]>`select count(*) from ${sql(schema)}.jobs`)[0].count

  it('is reported in the log', async () => {
    await serve()
    expect(log.join('\n')).toContain('the tables are in the schema public')
  })

  it('is no schema that another role has made with the name of the role of the server', async () => {
    await sql.unsafe(`
      create role schema_stranger; create role schema_app login;
      grant create on schema public to schema_app;
      create schema schema_app authorization schema_stranger;
      grant all on schema schema_app to public`)
    const url = Object.assign(new URL(database.env.JOBS_DB_URL ?? ''), { username: 'schema_app' }).href
    try {
      expect((await enqueue(await serve({ JOBS_DB_URL: url }))).status).toBe(201)
      expect(await countIn('public')).toBe('1')
      await sql.unsafe('create table schema_app.job_events (like public.job_events including all)')
      expect((await enqueue(running?.url ?? '')).status).toBe(201)
      expect(await sql`select count(*)::int as count from schema_app.job_events`).toEqual([{ count: 0 }])
    } finally {
      await stop()
      await sql.unsafe(
        'drop owned by schema_app cascade; drop owned by schema_stranger cascade; drop role schema_app; drop role schema_stranger',
      )
    }
  })

  it('has functions that no function of another schema stands in for', async () => {
    await serve()
    await sql.unsafe(`
      create function public.hashtextextended(text, integer) returns bigint language plpgsql as
        $$begin raise exception 'shadowed'; end$$;
      create function public.jsonb_build_array(text, text) returns jsonb language plpgsql as
        $$begin raise exception 'shadowed'; end$$`)
    const answer = await enqueue(running?.url ?? '')
    expect(answer.status).toBe(201)
    const headers = { 'x-api-key': key, 'x-confirm': 'true' }
    const prune = { url: running?.url ?? '', method: 'POST', path: '/api/v1/jobs/prune', body: {}, headers }
    expect(await call(prune)).toMatchObject({ status: 200 })
  })

  it('must be chosen where two schemas have a table of jobs', async () => {
    await serve()
    await stop()
    await sql.unsafe('create schema other; create table other.jobs (like public.jobs including all)')
    await expect(serve()).rejects.toThrow(/2 schemas of this database: other, public; nothing was started/)
    await stop()
    await expect(serve({ JOBS_DB_SCHEMA: 'nowhere' })).rejects.toThrow('the database has no schema nowhere')
    await stop()
    expect((await enqueue(await serve({ JOBS_DB_SCHEMA: 'other' }))).status).toBe(201)
    expect([await countIn('other'), await countIn('public')]).toEqual(['1', '0'])
  })

  it('has every table of the server, and is the only place where one is looked up', async () => {
    await sql`create schema other`
    const env = { ...database.env, JOBS_DB_SCHEMA: 'other', AUTH_MODE: 'multi_user' }
    const { code, out } = await runServer(['token', 'create', 'ci'], env)
    expect(code).toBe(0)
    const headers = { authorization: `Bearer ${out.trim()}`, 'x-confirm': 'true' }
    const url = await serve({ JOBS_DB_SCHEMA: 'other', AUTH_MODE: 'multi_user', JOBS_METRICS: 'on' })
    await sql`
      insert into other.jobs (domain, queue, job_type, status, completed_at)
      values ('d', 'q', 't', 'completed', now() - interval '90 days')`
    const send = (method: string, path: string, body?: unknown) =>
      call({ url, method, path: `/api/v1/jobs/${path}`, body, headers })
    expect(await send('POST', 'prune', {})).toMatchObject({ status: 200, body: { deleted: 1 } })
    expect(await send('GET', 'operations/verify')).toMatchObject({ status: 200, body: { ok: true, operations: 2 } })
    expect(await send('POST', 'operations/2/undo', {})).toMatchObject({ status: 200, body: { affected: 1 } })
    await sql.unsafe(`begin; set local search_path = other; delete from jobs; ${rowsOfAllKinds}; commit`)
    for (const path of everyRead())
      expect((await call({ url, method: 'GET', path, headers })).status, path).toBeLessThan(500)
    expect(await call({ url, method: 'GET', path: '/metrics/jobs', headers })).toMatchObject({
      status: 200,
      body: expect.stringContaining('jobsctl_jobs{domain="d",queue="default",job_type="t",state="queued"}'),
    })
    for (const filter of [{ owner_user_id: 'o' }, { ids: [3, 900] }, { payload: [{ path: 'a', value: '1' }] }])
      expect(await send('POST', 'erase', filter), JSON.stringify(filter)).toMatchObject({ status: 200 })
    expect(await sql`select tablename from pg_tables where schemaname = 'public'`).toEqual([])
  })

  it('is the one of a search path that somebody has set for the connection', async () => {
    await sql.unsafe(
      'create schema "Two, words"; create schema other; create table other.jobs (domain text, queue text, job_type text, status text)',
    )
    const url = Object.assign(new URL(database.env.JOBS_DB_URL ?? ''), { search: '?search_path="Two, words"' }).href
    expect((await enqueue(await serve({ JOBS_DB_URL: url, JOBS_DB_SCHEMA: 'Two, words' }))).status).toBe(201)
    expect(await countIn('Two, words')).toBe('1')
    await stop()
    expect((await enqueue(await serve({ JOBS_DB_URL: url }))).status).toBe(201)
    expect(await countIn('Two, words')).toBe('2')
  })
})
