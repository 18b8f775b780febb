import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyDatabase, newFolder, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, oddQueues } from '../../support/engines/pg-boss.ts'
import { startAtScreen } from '../../support/fakes/fake-screen.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

/** The role of a server that may read everything, and change nothing. */
const reader = 'jobs_reader'

describe('a server over pg-boss', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version: 46 })
    await fillPgBoss({ sql, version: 46 })
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })

  const jobsctl = (...argv: string[]) => runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
  const ofQueue = ['--domain', 'pgboss', '--queue', oddQueues.plain]

  it.each([
    [
      ['pause', `pgboss/${oddQueues.plain}`],
      'error: pg-boss cannot pause a queue; nothing was changed',
      'boss.offWork()',
    ],
    [
      ['enqueue', `pgboss/${oddQueues.plain}`, '--job-type', 't', '--payload', '{}'],
      'error: jobs of pg-boss are sent by its own library',
      'boss.send()',
    ],
  ])('refuses what pg-boss cannot, with what to do instead: %j', async (argv, why, instead) => {
    const { code, err, out } = await jobsctl(...argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(why)
    expect(err).toContain(instead)
  })

  it('previews a change, and makes none before there are records', async () => {
    const before = await sql`select * from pgboss.job order by id`
    expect((await jobsctl('cancel', '--status', 'queued', ...ofQueue, '--dry-run')).code).toBe(0)
    const { code, err } = await jobsctl('cancel', '--status', 'queued', ...ofQueue, '--yes')
    expect(code).toBe(3)
    expect(err).toContain('error: the server only looks at the jobs of pg-boss')
    expect(err).toContain('jobs-server migrate --engine pg-boss')
    expect(await sql`select * from pgboss.job order by id`).toEqual(before)
  })

  it('is told by doctor, with its versions and what its role lacks', async () => {
    const { code, out } = await jobsctl('doctor', '--tsv')
    expect(code).toBe(0)
    expect(out).toMatch(
      /^engine\tok\tpg-boss 12\.38 \(schema 46\) in pgboss; tested for reading with schemas 24 to 46/m,
    )
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/^engine\t.*jobs-server migrate --engine pg-boss$/)
  })

  it('is remembered by help and completion, once doctor has asked', async () => {
    const home = await newFolder('cache')
    const env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key', XDG_CACHE_HOME: home }
    const complete = async (...more: string[]) =>
      (await runJobsctl(['completion', 'zsh', '--', ...more], { env })).out
        .split('\n')
        .map((line) => line.split('\t')[0])
    expect(await complete(':')).toEqual(expect.arrayContaining(['pause', 'resume', 'retry', 'cancel']))
    expect((await runJobsctl(['doctor'], { env })).code).toBe(0)
    const found = await complete(':')
    for (const name of ['pause', 'resume', 'drain', 'threshold', 'enqueue', 'reclaim'])
      expect(found).not.toContain(name)
    expect(found).toEqual(expect.arrayContaining(['retry', 'cancel', 'sweep', 'operations', 'doctor']))
    const { out } = await runJobsctl(['help', 'commands'], { env })
    expect(out).not.toMatch(/^ +pause /m)
    expect(out).toMatch(/^ +retry /m)
    expect(out).toMatch(/Left out: [0-9]+ commands/)
    const elsewhere = { ...env, JOBSCTL_URL: 'http://127.0.0.1:1' }
    expect((await runJobsctl(['help', 'commands'], { env: elsewhere })).out).toMatch(/^ +pause /m)
    expect((await runJobsctl(['--help'], { env })).out).toContain('pause')
  })

  it('has one domain, which tables for people leave out, and names of queues alone', async () => {
    for (const name of ['pause', 'drain'])
      expect(await jobsctl(name, oddQueues.plain)).toMatchObject({ code: 2, err: expect.stringContaining('pg-boss') })
    const sentenceOf = async (queue: string) => JSON.parse((await jobsctl('explain', queue, '--json')).out).sentence
    expect(await sentenceOf(oddQueues.plain)).toEqual(await sentenceOf(`pgboss/${oddQueues.plain}`))
    for (const argv of [
      ['stats'],
      ['list'],
      ['top', '--once'],
      ['cancel', '--status', 'queued', '--all', '--dry-run'],
    ]) {
      const { out } = await jobsctl(...argv, '--output', 'table')
      expect(out).toMatch(new RegExp(`^(\\S+ +)?${oddQueues.plain} `, 'm'))
      expect(out).not.toContain(`pgboss/${oddQueues.plain} `)
    }
    expect((await jobsctl('stats', '--tsv')).out).toContain(`pgboss\t${oddQueues.plain}\t`)
  })

  it('has no key for a pause in top', async () => {
    const env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' }
    const screen = await startAtScreen(['top'], { env, columns: 120 })
    await screen.sees(/^\/ filter {2}s sort {2}\? help {2}q quit/m)
    screen.types('p')
    await screen.sees(/^pg-boss cannot pause a queue: stop the workers of the queue/m)
    screen.types('?')
    await screen.sees(/choose a group/)
    expect(screen.lines().join('\n')).not.toContain('pause')
    screen.types(' q')
    expect(await screen.ended).toMatchObject({ code: 0 })
  })

  it('names the grants that the role of the server lacks', async () => {
    await sql.unsafe(`create role ${reader} login; grant usage on schema pgboss to ${reader};
      grant select on all tables in schema pgboss to ${reader}`)
    const url = new URL(database.env.JOBS_DB_URL ?? '')
    url.username = reader
    const made = await runServer(['migrate', '--engine', 'pg-boss'], { ...database.env, PORT: '0' })
    expect(made.code).toBe(0)
    const { out: grants } = await runServer(['grants', '--engine', 'pg-boss', '--role', reader], { ...database.env })
    await sql.unsafe(grants)
    await sql.unsafe(`revoke delete, update on pgboss.job from ${reader}`)
    const own = await startServer({ ...database.env, JOBS_DB_URL: url.href, SINGLE_USER_API_KEY: 'key' })
    await own.prepared
    const { out } = await runJobsctl(['doctor', '--tsv'], { env: { JOBSCTL_URL: own.url, JOBSCTL_API_KEY: 'key' } })
    await own.stop()
    expect(out).toMatch(/^engine\twarning\t.*the role of the server lacks update, delete on pgboss\.job\t/m)
    expect(out).toMatch(/^counts\tskipped\tnot checked: pg-boss looks after its own tables and indexes\t/m)
    expect(out).toMatch(/^rights\tok\tthe role jobs_reader may do what calls need\t/m)
    expect(out).not.toContain('jobs_archive')
    expect(out).toContain(`grant update, delete on table pgboss.job to ${reader};`)
    await sql.unsafe(`drop schema jobsctl cascade; drop owned by ${reader}; drop role ${reader}`)
  })
})
