import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { overHttp } from '../../support/access/agent-client.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { fillGraphileWorker, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const Others = z.looseObject({ other_domains: z.array(z.string()) })

/** A domain that no header has as it is, and a shell takes in quotes alone. */
const odd = 'é x'

describe('our own jobs beside two engines, whose domains a call has to name', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  let cli: Record<string, string>
  const tokens = new Map<string, string>()
  const env: Record<string, string> = {
    AUTH_MODE: 'multi_user',
    JOBS_ENGINE: 'own,bullmq,graphile-worker',
    JOBS_ENGINE_DOMAIN: `graphile_worker:${odd}`,
  }
  const addToken = async (name: string, ...flags: string[]) => {
    const { code, out, err } = await runServer(
      ['token', 'create', name, '--role', flags.length === 0 ? 'admin' : 'operator', ...flags],
      {
        ...database.env,
        ...env,
      },
    )
    if (code !== 0) throw new Error(err)
    tokens.set(name, out.trim().split(/\s+/).at(-1) ?? '')
  }
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makeBullMq({ sql, version: 11 })
    await fillBullMq({ sql, version: 11 })
    await makeGraphileWorker({ sql })
    await fillGraphileWorker({ sql })
    expect(
      await runServer(['migrate'], { ...database.env, AUTH_MODE: 'multi_user', JOBS_ENGINE: 'own' }),
    ).toMatchObject({ code: 0 })
    await addToken('old')
    expect(await runServer(['migrate'], { ...database.env, ...env })).toMatchObject({ code: 0 })
    await addToken('shop', '--domain', 'shop')
    await addToken('two', '--domain', 'shop', '--domain', 'bullmq')
    server = await startServer({ ...database.env, ...env })
    await server.prepared
    await addToken('all')
    cli = { JOBSCTL_URL: server.url, JOBSCTL_TOKEN: tokens.get('all') ?? '' }
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })

  it('tells an agent whose jobs an answer is not about, by names that it can ask with', async () => {
    expect(await runServer(['agents', 'on'], { ...database.env, ...env })).toMatchObject({ code: 0 })
    const made = ['token', 'create', 'mender', '--role', 'agent', '--of', 'all']
    const { out } = await runServer(made, { ...database.env, ...env })
    const { use, close } = await overHttp(server, out.trim())
    for (const tool of ['overview', 'list_jobs', 'failure_clusters', 'workers', 'history']) {
      const { other_domains } = Others.parse(await use(tool))
      expect(other_domains).toEqual(['bullmq', expect.stringMatching(/^domain-/)])
      for (const domain of other_domains) expect(await use('list_jobs', { domain })).not.toHaveProperty('other_domains')
    }
    expect(await use('operations')).not.toHaveProperty('other_domains')
    await close()
  })
  const get = (path: string, token = 'all') =>
    call({
      url: server.url,
      method: 'GET',
      path: `/api/v1/jobs/${path}`,
      headers: { authorization: `Bearer ${tokens.get(token)}` },
    })
  const note = `note: no domain was given, so that this is about own jobs alone; other engines have --domain bullmq, --domain '${odd}'\n`

  it.each([
    ['stats'],
    ['list', '--status', 'failed'],
    ['clusters'],
    ['workers'],
    ['prune', '--all', '--older-than', '1d', '--dry-run'],
    ['erase', '--owner', 'nobody', '--dry-run'],
  ])('tells a person that %s without a domain is about our own', async (...argv) => {
    const table = await runJobsctl([...argv, '--output', 'table'], { env: cli })
    expect(table).toMatchObject({ code: 0, err: expect.stringContaining(note) })
    const { code, err } = await runJobsctl(argv, { env: cli })
    expect({ code, told: err.includes('own jobs alone') }).toEqual({ code: 0, told: false })
  })

  it.each([
    ['stats', '--domain', 'bullmq'],
    ['stats', '--domain', 'shop'],
    ['operations'],
    ['queues'],
    ['hold', 'list'],
    ['explain', 'bullmq/mail'],
  ])('has nothing to tell of %s %s %s', async (...argv) => {
    const { code, err } = await runJobsctl([...argv, '--output', 'table'], { env: cli })
    expect({ code, told: err.includes('own jobs alone') }).toEqual({ code: 0, told: false })
  })

  it('names in a header the domains that an answer leaves out, as far as its caller sees them', async () => {
    const headerOf = async (path: string, token?: string) => (await get(path, token)).headers['x-other-domains']
    const all = `bullmq,${encodeURIComponent(odd)}`
    for (const path of ['stats', 'list', 'clusters', 'workers']) {
      expect([path, await headerOf(path)]).toEqual([path, all])
      expect([path, await headerOf(path, 'shop'), await headerOf(path, 'two')]).toEqual([path, undefined, 'bullmq'])
      expect([path, await headerOf(`${path}?domain=bullmq`)]).toEqual([path, undefined])
    }
    for (const path of ['operations', 'queues', 'events'])
      expect([path, await headerOf(path)]).toEqual([path, undefined])
  })

  it('says of a key that no engine has that there is no such job', async () => {
    for (const argv of [['show'], ['wait'], ['retry', '--yes'], ['cancel', '--yes']])
      expect([argv, await runJobsctl([...argv, 'mail/none'], { env: cli })]).toMatchObject([
        argv,
        { code: 5, err: expect.stringContaining('there is no job mail/none') },
      ])
    expect(await get('list?ids=mail/none')).toMatchObject({ status: 200, body: [] })
    const both = 'must not name own jobs beside those of another engine'
    expect(await get('list?ids=mail/1,1')).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'ids', message: both }] },
    })
    expect(await runJobsctl(['cancel', 'mail/1', '1', '--yes'], { env: cli })).toMatchObject({
      code: 2,
      err: expect.stringContaining(both),
    })
  })

  it('knows the domains of other engines where a person types one', async () => {
    const completed = await runJobsctl(['completion', 'zsh', '--', 'stats', '--domain', ':'], { env: cli })
    expect(completed.out).toBe('bullmq\t\n')
    for (const words of [[], ['--must-exist']])
      expect(
        (await runJobsctl(['stats', '--domain', 'bullmk', '--output', 'table', ...words], { env: cli })).err,
      ).toContain('did you mean --domain bullmq?')
  })

  it('says of no scope without names that it never had a job', async () => {
    for (const verb of ['retry', 'cancel']) {
      const { err } = await runJobsctl([verb, '--all', '--dry-run'], { env: cli })
      expect([verb, err.includes('was ever in')]).toEqual([verb, false])
    }
  })

  it('stops a queue of BullMQ, and lists it with its reason to whoever reaches its jobs', async () => {
    const stopped = async (token?: string) =>
      z.array(z.looseObject({ queue: z.string() })).parse((await get('queues', token)).body)
    const pause = (...words: string[]) => runJobsctl(['pause', 'bullmq/mail', '--yes', ...words], { env: cli })
    expect(await pause('--reason', 'the mailer is down')).toMatchObject({ code: 0 })
    const row = { domain: 'bullmq', queue: 'mail', paused: true, reason: 'the mailer is down' }
    expect(await stopped()).toMatchObject([row])
    expect([await stopped('two'), await stopped('shop'), await stopped('old')]).toMatchObject([[row], [], []])
    const explained = await runJobsctl(['explain', 'bullmq/mail'], { env: cli })
    expect(explained.out).toContain('is paused by all ("the mailer is down")')
    const stats = await runJobsctl(['stats', '--domain', 'bullmq', '--output', 'table'], { env: cli })
    expect(stats.out).toMatch(/bullmq\/mail +\S+ .*paused/)
    expect(await runJobsctl(['resume', 'bullmq/mail', '--yes'], { env: cli })).toMatchObject({ code: 0 })
    expect(await stopped()).toEqual([])
    // Paused by BullMQ itself: the reason of our pause is over.
    await sql`insert into bullmq.meta (queue, field, value) values ('mail', 'paused', '1')`
    expect(await stopped()).toMatchObject([{ queue: 'mail', paused: true, reason: null }])
    expect(await runJobsctl(['pause', 'bullmq/mial', '--yes'], { env: cli })).toMatchObject({
      code: 5,
      err: expect.stringContaining('did you mean bullmq/mail?'),
    })
  })

  it('takes none of its own archives for a queue', async () => {
    const { out } = await runJobsctl(['doctor'], { env: cli })
    expect(out).toMatch(/^engine\tok\t/m)
    expect(out).not.toContain('looks like a queue')
    const found = await runServer(['init', '--detect'], database.env)
    expect(`${found.out}${found.err}`).not.toContain('_archive')
  })
})
