import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../../support/database/database.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../../support/engines/mapped.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const Answer = z.looseObject({
  operation_id: z.number(),
  affected: z.number().default(0),
  deleted: z.number().default(0),
})
const Rows = z.array(z.looseObject({ id: z.string().default(''), domain: z.string() }))

/** The map of the mails, as an item of a list, and a table of short messages whose jobs have the same keys. */
const indented = (map: string) =>
  map
    .trimEnd()
    .split('\n')
    .map((line, at) => `${at === 0 ? '  - ' : '    '}${line}\n`)
    .join('')
const smsMap = emailMap.replaceAll('app.email_jobs', 'app.sms_jobs')
const both = `tables:\n${indented(emailMap)}${indented(`domain: sms\n${smsMap}`)}`

describe('a map of two tables with the same keys', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  let env: Record<string, string>
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makeEmailJobs(sql, 'bigint')
    await fillEmailJobs(sql, 200)
    const names = await columns()
    await sql.unsafe(`
      create table app.sms_jobs (like app.email_jobs including all);
      insert into app.sms_jobs (${names}) overriding system value select ${names} from app.email_jobs;
      create table app.mails_before as select ${names} from app.email_jobs;
      create table app.messages_before as select ${names} from app.sms_jobs;`)
    env = { ...database.env, JOBS_MAP_FILE: await mapFile(both), SINGLE_USER_API_KEY: 'key' }
    expect(await runServer(['migrate', '--engine', 'mapped'], env)).toMatchObject({ code: 0, err: '' })
    server = await startServer(env)
    await server.prepared
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })
  afterEach(async () => {
    await sql`delete from jobsctl.jobsctl_held_jobs`
    await sql`delete from jobsctl.jobsctl_holds`
  })

  const columns = async () => {
    const rows = await sql<{ name: string }[]>`
      select quote_ident(attname) as name from pg_attribute
      where attrelid = 'app.email_jobs'::regclass and attnum > 0 and attgenerated = '' and attname <> 'lock_version'`
    return rows.map(({ name }) => name).join(', ')
  }
  const differing = async (table: string, before: string) => {
    const of = (name: string) => `select row(${names})::text from ${name}`
    const names = await columns()
    const [row] = await sql.unsafe<{ count: number }[]>(
      `select count(*)::int as count from ((${of(before)} except all ${of(table)}) union all (${of(table)} except all ${of(before)})) as rows`,
    )
    return row?.count
  }
  const mails = () => differing('app.email_jobs', 'app.mails_before')
  const messages = () => differing('app.sms_jobs', 'app.messages_before')
  const post = async (path: string, body: object, url = server.url) => {
    const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
    return call({ url, method: 'POST', path: `/api/v1/jobs/${path}`, headers, body })
  }
  const get = async (path: string) =>
    call({ url: server.url, method: 'GET', path: `/api/v1/jobs/${path}`, headers: { 'x-api-key': 'key' } })

  it('has the jobs of both, each in its domain', async () => {
    const all = Rows.parse((await get('list?limit=1000')).body)
    const of = (domain: string) => all.filter((row) => row.domain === domain).map(({ id }) => id)
    expect([of('app').length, of('sms').length]).toEqual([200, 200])
    expect(of('app').toSorted()).toEqual(of('sms').toSorted())
    const key = of('app')[0] ?? ''
    for (const domain of ['app', 'sms'])
      expect(await get(`job?key=${encodeURIComponent(key)}&domain=${domain}`)).toMatchObject({ body: { domain } })
    expect(Rows.parse((await get('stats?domain=sms')).body).every(({ domain }) => domain === 'sms')).toBe(true)
  })

  it('needs the domain of a queue that both have, and shows it', async () => {
    const jobsctl = (...argv: string[]) =>
      runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
    const { code, err } = await jobsctl('explain', 'mail')
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('2 domains have a queue mail') })
    expect(err).toMatch(
      /name it with its domain: jobsctl explain .*--domain app mail, jobsctl explain .*--domain sms mail/,
    )
    expect((await jobsctl('explain', 'mail', '--domain', 'sms')).code).toBe(0)
    const { out } = await jobsctl('stats', '--output', 'table')
    expect(out).toMatch(/^app\/mail /m)
    expect(out).toMatch(/^sms\/mail /m)
  })

  it.each([
    ['retry-now', { only_failed: true, queue: 'mail' }],
    ['batch/cancel', { status: ['queued'] }],
    ['prune', { older_than_days: 1, statuses: ['completed', 'failed'] }],
  ])('changes those of one domain by %s, and an undo gives them back there alone', async (path, request) => {
    const refused = await post(path, request)
    expect(refused.status).toBe(422)
    const { status, body } = await post(path, { ...request, domain: 'sms' })
    expect(status).toBe(200)
    const { operation_id: operation } = Answer.parse(body)
    expect(await mails()).toBe(0)
    expect(await messages()).toBeGreaterThan(20)
    expect(await post(`operations/${operation}/undo`, {})).toMatchObject({ body: { conflict_count: 0 } })
    expect([await mails(), await messages()]).toEqual([0, 0])
  })

  it('undoes a change of a server of one of the tables in that table, though the other has the same keys', async () => {
    const alone = await startServer({ ...env, JOBS_MAP_FILE: await mapFile(`domain: sms\n${smsMap}`) })
    await alone.prepared
    const { body } = await post('retry-now', { only_failed: true, queue: 'mail' }, alone.url)
    await alone.stop()
    const { operation_id: operation, affected } = Answer.parse(body)
    expect(affected).toBe(26)
    expect(await post(`operations/${operation}/undo`, {})).toMatchObject({ body: { affected, conflict_count: 0 } })
    expect([await mails(), await messages()]).toEqual([0, 0])
  })

  it('is served on where one of the tables has lost a column', async () => {
    await sql`alter table app.email_jobs rename column kind to sort`
    try {
      const { url } = server
      expect(await call({ url, method: 'GET', path: '/readyz' })).toMatchObject({ status: 200 })
      expect((await get('list?domain=sms')).status).toBe(200)
      for (const path of ['list?domain=app', 'list'])
        expect(await get(path)).toMatchObject({
          status: 409,
          body: { hint: expect.stringContaining('start the server again') },
        })
      await sql`alter table app.sms_jobs rename column kind to sort`
      expect(await call({ url, method: 'GET', path: '/readyz' })).toMatchObject({ status: 503 })
    } finally {
      for (const table of ['app.email_jobs', 'app.sms_jobs'])
        await sql.unsafe(`alter table ${table} rename column sort to kind`).catch(() => {})
    }
  })

  it('is checked table by table', async () => {
    const { code, out, err } = await runServer(['init', '--check'], env)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('fits app.email_jobs: domain app')
    expect(out).toContain('fits app.sms_jobs: domain sms')
    expect(out.split('\nstats reads the whole table\n')).toHaveLength(3)
  })

  it.each([
    [
      'two tables with one domain',
      both.replace('domain: sms\n    ', ''),
      ':18:12: tables.1.table: the jobs of app.email_jobs have the domain app, too',
    ],
    [
      'a domain that another table has',
      both.replace('domain: sms', 'domain: app'),
      ':18:13: tables.1.domain: the jobs of app.email_jobs have the domain app, too',
    ],
    [
      'a table that stands twice',
      both.replace('sms_jobs', 'email_jobs'),
      ':19:12: tables.1.table: app.email_jobs stands twice',
    ],
    [
      'a fault in the second map',
      both.replace('domain: sms', 'domain: 5'),
      ':18:13: tables.1.domain: must be a string',
    ],
    [
      'a column that the second table lacks',
      both.replace(/kind\}(?![\s\S]*kind\})/, 'kin}'),
      ':22:24: tables.1.job_type.column: app.sms_jobs has no column kin',
    ],
    ['a field beside the tables', `${both}key: id\n`, ':35:1: key: is not a known field'],
    ['no table', 'tables: []\n', ':1:9: tables: must be a list of maps'],
  ])('is refused with line and column for %s', async (_, text, message) => {
    const { code, err } = await runServer(['init', '--check', '--map', await mapFile(text)], env)
    expect(code).toBe(2)
    expect(err).toContain(`jobs-map.yaml${message}`)
  })

  it('needs the schema of a table whose name several schemas have', async () => {
    await sql.unsafe('create schema other; create table other.email_jobs (like app.email_jobs including all)')
    const map = emailMap.replace('app.email_jobs', 'email_jobs')
    const refused = await runServer(['init', '--check', '--map', await mapFile(map)], env)
    expect(refused.err).toContain(
      'jobs-map.yaml:1:8: table: tables of this name are in the schemas app, other: name one, such as app.email_jobs',
    )
    await sql.unsafe('drop schema other cascade')
    const { code, out } = await runServer(['init', '--check', '--map', await mapFile(map)], env)
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('fits app.email_jobs') })
  })
})
