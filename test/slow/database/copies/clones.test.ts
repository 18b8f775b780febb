import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { afterEach, describe, expect, it } from 'vitest'
import { prune, recordOf, requeue } from '../../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf } from '../../../support/changes/detached.ts'
import { applyRules, makeDue, policyOf, pruning } from '../../../support/changes/policy.ts'
import { newDatabase, newFolder, type TestDatabase } from '../../../support/database/database.ts'
import { startReplicated } from '../../../support/database/replica.ts'
import { until } from '../../../support/poll.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

const run = promisify(execFile)
const bin = process.env.TEST_PG_BIN

/** A database that stays when its world stops. */
const keep = (database: TestDatabase): Promise<TestDatabase> => Promise.resolve({ ...database, drop: async () => {} })

describe('a copy of a database', () => {
  const ending: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })
  const open = async (database: TestDatabase, env: Record<string, string> = {}) => {
    const world = await openWorld('postgres', env, Promise.resolve(database))
    let isOpen = true
    const stop = async () => {
      if (isOpen) await world.stop()
      isOpen = false
    }
    ending.push(stop)
    return { ...world, stop }
  }
  const readyOf = async (world: World) => (await world.call('GET', '/readyz')).body
  const storageOf = async (world: World) => Object((await world.call('GET', '/api/v1/jobs/storage')).body)
  const idOf = async ({ sql }: World): Promise<string> => {
    const [row] = await sql<{ value: string }[]>`select value from jobsctl_settings where name = 'installation'`
    return JSON.parse(row?.value ?? '{}').id
  }

  /** Copies a database of PostgreSQL that no server uses. */
  async function copied({ env }: TestDatabase, how: 'template' | 'dump'): Promise<TestDatabase> {
    const url = new URL(env.JOBS_DB_URL ?? '')
    const [from, name] = [url.pathname.slice(1), `c_${randomUUID().replaceAll('-', '')}`]
    const copy = Object.assign(new URL(url), { pathname: `/${name}` }).href
    const operator = postgres(Object.assign(new URL(url), { pathname: '/postgres' }).href, {
      max: 1,
      onnotice: () => {},
    })
    ending.unshift(async () => {
      await operator`drop database ${operator(name)} with (force)`
      await operator.end()
    })
    if (how === 'template') await operator`create database ${operator(name)} template ${operator(from)}`
    else {
      await operator`create database ${operator(name)}`
      const file = join(await newFolder('dump'), 'jobs.dump')
      await run(join(bin ?? '', 'pg_dump'), ['--format=custom', `--file=${file}`, url.href])
      await run(join(bin ?? '', 'pg_restore'), [`--dbname=${copy}`, file])
    }
    return { env: { ...env, JOBS_DB_URL: copy, JOBS_DATA_DIR: await newFolder('data') }, drop: async () => {} }
  }

  /** A database with a change that runs without its caller, and whose server is gone. */
  async function interrupted(): Promise<{ database: TestDatabase; operation: number; id: string }> {
    const database = await newDatabase('postgres')
    ending.push(database.drop)
    const world = await open(await keep(database))
    await world.jobs(400, requeue.wanted)
    await applyRules(world, [pruning()])
    const { operation_id: operation } = acceptedOf(await detached(world, requeue, { rate: 8 }))
    await until('a batch is done', async () => (await recordOf(world, operation)).affected > 0)
    const id = await idOf(world)
    await world.stop()
    return { database, operation, id }
  }

  it.each(['template', ...(bin ? ['dump'] : [])] as const)(
    'by %s changes nothing by itself beside its original, says why, and is a clone when it is told so',
    async (how) => {
      const { database, operation, id } = await interrupted()
      const copy = await copied(database, how === 'dump' ? 'dump' : 'template')
      const original = await open(await keep(database))
      const token = await runServer(['token', 'create', 'ci'], copy.env)
      const clone = await open(copy)
      const before = await clone.rows()
      await makeDue(clone.sql, 'finished')

      expect(await readyOf(original)).toEqual({ status: 'ready' })
      expect(await readyOf(clone)).toEqual({ status: 'ready', cloned: true })
      expect((await storageOf(clone)).cloned).toEqual([expect.stringMatching(/^its name was t_\w+ and is c_\w+$/)])
      await until('the log says why', () =>
        clone.log.some((line) => line.includes('nothing is done in the background')),
      )
      expect((await clone.jobsctl(['doctor'])).out).toMatch(
        /state\twarning\tcloned: .*\t.*adopt-database --same, or --clone/,
      )
      await until('the original goes on', async () => {
        const [row] = await original.sql<{ hold: string | null }[]>`select hold from jobsctl_detached`
        return row?.hold !== null
      })
      expect(await clone.rows()).toEqual(before)
      expect(await policyOf(clone)).toMatchObject({
        problem: expect.stringContaining('is a copy'),
        rules: [{ last: null }],
      })
      expect(await recordOf(clone, operation)).toMatchObject({ state: 'running' })
      expect((await clone.confirm(paths.prune, { ...prune.body, domain: 'nothing' })).status).toBe(200)

      const [{ newest }] = await clone.sql<[{ newest: number }]>`select max(id) as newest from job_events`
      const adopted = await runServer(['adopt-database', '--clone'], copy.env)
      expect(adopted).toMatchObject({ code: 0, out: expect.stringContaining('revoked 1 tokens') })
      expect(adopted.out).toContain('ended the policy with its 1 rules')
      expect(await policyOf(clone)).toEqual({
        revision: 0,
        applied: null,
        problem: null,
        stopped: false,
        author_until: null,
        broken: [],
        rules: [],
      })
      expect(await readyOf(clone)).toEqual({ status: 'ready' })
      expect(await recordOf(clone, operation)).toMatchObject({
        state: 'partial',
        error: 'its database was adopted as a clone',
      })
      expect(await clone.sql`select from jobsctl_detached`).toHaveLength(0)
      expect((await clone.call('GET', '/api/v1/jobs/operations/verify')).body).toMatchObject({ ok: true })
      expect(await idOf(clone)).not.toBe(id)
      expect(token.code).toBe(0)
      expect(await clone.sql`select from jobs_api_tokens where revoked_at is null`).toHaveLength(0)
      const events = Object((await clone.call('GET', `/api/v1/jobs/events?after_id=${newest}`)).body)
      const types = events.map(({ event_type }: { event_type: string }) => event_type)
      expect(types).toEqual(expect.arrayContaining(['log.moved', 'database.adopted']))
      await until('the log says it', () =>
        clone.log.some((line) => line.includes('the work in the background goes on')),
      )
      expect(await recordOf(original, operation)).toMatchObject({ state: 'running' })
      expect(await runServer(['adopt-database', '--clone'], copy.env)).toMatchObject({ code: 6 })
    },
  )

  it.each(['{"id"', '7'])(
    'is also a database whose memory of itself somebody has broken by hand, such as %s, until an operator says what it is',
    async (value) => {
      const database = await newDatabase('postgres')
      ending.push(database.drop)
      const before = await open(await keep(database))
      await before.sql`update jobsctl_settings set value = ${value} where name = 'installation'`
      expect(await readyOf(before)).toMatchObject({ cloned: true })
      await before.stop()
      const world = await open(await keep(database))
      expect(await world.sql`select value from jobsctl_settings where name = 'installation'`).toEqual([{ value }])
      expect(world.log.join()).not.toContain('will not be told from it')
      expect(await storageOf(world)).toMatchObject({ cloned: [expect.stringContaining('its name was not known')] })
      expect(await runServer(['adopt-database', '--same'], database.env)).toMatchObject({ code: 0 })
      expect(await readyOf(world)).toEqual({ status: 'ready' })
    },
  )

  it('goes on as the same installation when it is told so, with its tokens and its running change', async () => {
    const { database, operation, id } = await interrupted()
    const copy = await copied(database, 'template')
    await runServer(['token', 'create', 'ci'], copy.env)
    const moved = await open(copy)
    const before = await recordOf(moved, operation)
    expect(await runServer(['adopt-database', '--same'], copy.env)).toMatchObject({ code: 0 })
    await until('the change goes on', async () => (await recordOf(moved, operation)).affected > before.affected)
    expect(await idOf(moved)).toBe(id)
    expect(await moved.sql`select from jobs_api_tokens where revoked_at is null`).toHaveLength(1)
    await moved.post(`/api/v1/jobs/operations/${operation}/stop`, {})
    await endOf(moved, operation)
  })

  it('that kept its name is told by JOBS_INSTANCE, and a server without it differs from one that has it', async () => {
    const database = await newDatabase('postgres')
    ending.push(database.drop)
    const first = await open(await keep(database), { JOBS_INSTANCE: 'production' })
    expect(await readyOf(first)).toEqual({ status: 'ready' })
    await first.stop()
    for (const env of [{ JOBS_INSTANCE: 'staging' }, {}]) {
      const world = await open(await keep(database), env)
      expect(await readyOf(world)).toEqual({ status: 'ready', cloned: true })
      expect((await storageOf(world)).cloned[0]).toMatch(/^JOBS_INSTANCE was production and is (staging|not set)$/)
      await world.stop()
    }
    const again = await open(await keep(database), { JOBS_INSTANCE: 'production' })
    expect(await readyOf(again)).toEqual({ status: 'ready' })
    const wrong = await runServer(['adopt-database', '--clone'], again.env)
    expect(wrong).toMatchObject({ code: 6, err: expect.stringContaining('the database is what it was') })
    for (const flags of [[], ['--same', '--clone']])
      expect(await runServer(['adopt-database', ...flags], again.env)).toMatchObject({ code: 2 })
  })

  it('that is a replica is the same installation after its promotion', async () => {
    const { url, replica, stop } = await startReplicated()
    ending.push(stop)
    const onDatabase = async (of: string): Promise<TestDatabase> => ({
      env: { JOBS_DB_URL: of, JOBS_DATA_DIR: await newFolder('data') },
      drop: async () => {},
    })
    const first = await open(await onDatabase(url))
    const id = await idOf(first)
    await first.stop()
    await until('the replica has the installation', async () => {
      const rows = await replica`select from jobsctl_settings where name = 'installation'`.catch(() => [])
      return rows.length > 0
    })
    await replica`select pg_promote()`
    const { port } = replica.options
    const promoted = await open(await onDatabase(Object.assign(new URL(url), { port: String(port[0]) }).href))
    expect(await readyOf(promoted)).toEqual({ status: 'ready' })
    expect(await idOf(promoted)).toBe(id)
    const types = (await promoted.events()).map(({ event_type }) => event_type)
    expect(types).toContain('log.moved')
  })

  it('of an embedded folder is told by its path', async () => {
    const database = await newDatabase('embedded')
    ending.push(database.drop)
    const first = await open(await keep(database))
    expect(await readyOf(first)).toEqual({ status: 'ready' })
    await first.stop()
    const again = await open(await keep(database))
    expect(await readyOf(again)).toEqual({ status: 'ready' })
    await again.stop()
    const folder = join(await newFolder('copies'), 'copy')
    await cp(database.env.JOBS_DATA_DIR ?? '', folder, { recursive: true })
    const copy = await open({ env: { ...database.env, JOBS_DATA_DIR: folder }, drop: async () => {} })
    expect(await readyOf(copy)).toEqual({ status: 'ready', cloned: true })
    // The server that has the folder open adopts it.
    expect(await runServer(['adopt-database', '--same'], copy.env)).toMatchObject({ code: 0 })
    expect(await readyOf(copy)).toEqual({ status: 'ready' })
    expect(await runServer(['adopt-database', '--same'], copy.env)).toMatchObject({ code: 6 })
    await copy.stop()
    await rename(folder, `${folder}-moved`)
    const moved = await open({ env: { ...database.env, JOBS_DATA_DIR: `${folder}-moved` }, drop: async () => {} })
    expect(await readyOf(moved)).toEqual({ status: 'ready', cloned: true })
  })
})
