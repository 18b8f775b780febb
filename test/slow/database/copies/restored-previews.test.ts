import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { afterEach, describe, expect, it } from 'vitest'
import { startPostgres } from '../../../../scripts/launch/postgres.ts'
import { at, codeOf, doneOf, previewOf, prune, recordOf, requeue } from '../../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf } from '../../../support/changes/detached.ts'
import { makePeople, planOf, planPath } from '../../../support/changes/plans.ts'
import { newDatabase, newFolder, type TestDatabase } from '../../../support/database/database.ts'
import { startReplicated } from '../../../support/database/replica.ts'
import { until } from '../../../support/poll.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../../support/world.ts'

const run = promisify(execFile)
const bin = process.env.TEST_PG_BIN ?? ''

describe('a preview of before a restore', () => {
  const ending: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })
  const on = async (url: string): Promise<TestDatabase> => ({
    env: { JOBS_DB_URL: url, JOBS_DATA_DIR: await newFolder('data') },
    drop: async () => {},
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

  /** Uses ids of transactions up, until as many were used as before the restore, and more. */
  const useIds = async ({ sql }: Pick<World, 'sql'>, until: bigint) => {
    for (;;) {
      const [{ id }] = await sql<[{ id: string }]>`select pg_current_xact_id()::text as id`
      if (BigInt(id) > until) return
    }
  }
  const lastId = async ({ sql }: Pick<World, 'sql'>) => {
    const [{ id }] = await sql<[{ id: string }]>`select pg_current_xact_id()::text as id`
    return BigInt(id)
  }

  /** A preview, the token of an undo, and how far the database had come. */
  async function previewed(world: World) {
    const { operation = 0 } = doneOf(await world.confirm(requeue.path, requeue.body))
    const undo = Object((await world.post(at.undo(operation), { dry_run: true })).body).preview.token
    for (let n = 0; n < 200; n += 1) await lastId(world)
    return { prune: (await previewOf(world, prune)).token, operation, undo, end: await lastId(world) }
  }

  it('to a point in time is refused for ever, with the undo of that time: jobs that came later are not taken for those of the preview', async () => {
    const cluster = await startPostgres(['wal_level=replica'], tmpdir())
    ending.push(cluster.stop)
    const first = await open(await on(cluster.url))
    await first.jobs(2)
    await first.jobs(2, requeue.wanted)
    const [{ data_directory: data }] = await first.sql<[{ data_directory: string }]>`show data_directory`
    await first.stop()
    await cluster.halt()
    const backup = join(await mkdtemp(join(tmpdir(), 'jobs-backup-')), 'data')
    ending.push(() => rm(join(backup, '..'), { recursive: true, force: true }))
    await run('cp', ['-a', data, backup])
    await cluster.resume()

    const second = await open(await on(cluster.url))
    const tokens = await previewed(second)
    await second.stop()
    await cluster.halt()
    await run('rm', ['-rf', data])
    await run('cp', ['-a', backup, data])
    await appendFile(join(data, 'postgresql.conf'), "\nrestore_command='false'\n")
    await writeFile(join(data, 'recovery.signal'), '')
    const { stdout: owner } = await run('stat', ['-c', '%u:%g', data])
    await run('chown', [owner.trim(), join(data, 'recovery.signal')])
    await cluster.resume()

    const third = await open(await on(cluster.url))
    await third.jobs(7)
    await useIds(third, tokens.end)
    const answer = await third.confirm(prune.path, { ...prune.body, preview_token: tokens.prune })
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'preview_stale', detail: expect.stringMatching(/another timeline.*nothing was changed/) },
    })
    const dry = await third.post(prune.path, { ...prune.preview, preview_token: tokens.prune })
    expect(codeOf(dry)).toBe('409 preview_stale')
    const { operation = 0 } = doneOf(await third.confirm(requeue.path, requeue.body))
    const undone = await third.confirm(at.undo(operation), { preview_token: tokens.undo })
    expect(codeOf(undone)).toBe('409 preview_stale')
    expect(await third.count()).toBe(11)
    // What is previewed now is taken.
    const { token, count } = await previewOf(third, prune)
    expect(doneOf(await third.confirm(prune.path, { ...prune.body, preview_token: token })).affected).toBe(count)
  })

  it('that a standby was promoted since is refused', async () => {
    const { url, replica, stop } = await startReplicated()
    ending.push(stop)
    const first = await open(await on(url))
    await first.jobs(3)
    await first.jobs(2, requeue.wanted)
    const tokens = await previewed(first)
    await first.stop()
    await until('the replica has the last transaction', async () => {
      const [row] = await replica`select 1 where pg_xact_status(${String(tokens.end)}::text::xid8) = 'committed'`.catch(
        () => [],
      )
      return row
    })
    await replica`select pg_promote()`
    const { port } = replica.options
    const promoted = await open(await on(Object.assign(new URL(url), { port: String(port[0]) }).href))
    await useIds(promoted, tokens.end)
    const answer = await promoted.confirm(prune.path, { ...prune.body, preview_token: tokens.prune })
    expect(codeOf(answer)).toBe('409 preview_stale')
    expect(await promoted.count()).toBe(5)
  })

  it.skipIf(!bin)(
    'by a dump into the same name is refused, with plans, and a change without its caller ends there',
    async () => {
      const database = await newDatabase('postgres')
      ending.push(database.drop)
      const url = database.env.JOBS_DB_URL ?? ''
      const keep = { ...database, drop: async () => {} }
      const world = await open(keep, { AUTH_MODE: 'multi_user' })
      const people = await makePeople(world.sql)
      await world.jobs(6)
      await world.jobs(60, requeue.wanted)
      const plan = planOf(
        await world.call(
          'POST',
          planPath,
          { path: prune.path, request: prune.body },
          { ...people.ann, 'x-confirm': 'true', 'x-reason': 'old jobs' },
        ),
      )
      const preview = Object((await world.post(prune.path, prune.preview, people.ann)).body).preview
      const begun = await world.confirm(
        requeue.path,
        { ...requeue.body, rate: 8 },
        { ...people.ann, prefer: 'respond-async' },
      )
      const { operation_id } = acceptedOf(begun)
      await until('a batch is done', async () => {
        const [row] = await world.sql`select from job_operations where id = ${operation_id} and affected > 0`
        return row
      })
      await world.stop()
      const file = join(await newFolder('dump'), 'jobs.dump')
      await run(join(bin, 'pg_dump'), ['--format=custom', `--file=${file}`, url])
      const name = new URL(url).pathname.slice(1)
      const operator = postgres(Object.assign(new URL(url), { pathname: '/postgres' }).href, {
        max: 1,
        onnotice: () => {},
      })
      await operator`drop database ${operator(name)} with (force)`
      await operator`create database ${operator(name)}`
      await operator.end()
      await run(join(bin, 'pg_restore'), [`--dbname=${url}`, file])

      const restored = await open(keep, { AUTH_MODE: 'multi_user' })
      const token = { ...prune.body, preview_token: preview.token }
      const answer = await restored.confirm(prune.path, token, people.ann)
      expect(answer).toMatchObject({
        status: 409,
        body: { code: 'preview_stale', detail: expect.stringContaining('another table job_events') },
      })
      const shown = await restored.call('GET', `${planPath}/${plan.id}`, undefined, people.ann)
      expect(shown.body).toMatchObject({ state: 'stale' })
      const ended = await until('the change has ended', async () => {
        const [row] = await restored.sql<{ state: string; error: string; affected: number }[]>`
          select state, error, affected::int from job_operations where id = ${operation_id} and state <> 'running'`
        return row
      })
      expect(ended).toMatchObject({
        state: 'partial',
        error: 'the database was restored from a dump since it began (table job_events)',
      })
      expect(await restored.sql`select from jobs where status = 'quarantined'`).toHaveLength(60 - ended.affected)
    },
  )

  it.skipIf(!bin)('into another database is no preview of it, also once that is adopted as the same', async () => {
    const database = await newDatabase('postgres')
    ending.push(database.drop)
    const url = new URL(database.env.JOBS_DB_URL ?? '')
    const world = await open({ ...database, drop: async () => {} })
    await world.jobs(60, requeue.wanted)
    await world.jobs(2)
    const { token } = await previewOf(world, prune)
    const { operation_id } = acceptedOf(await detached(world, requeue, { rate: 8 }))
    await until('a batch is done', async () => (await recordOf(world, operation_id)).affected > 0)
    await world.stop()
    const name = `c_${randomUUID().replaceAll('-', '')}`
    const operator = postgres(Object.assign(new URL(url), { pathname: '/postgres' }).href, {
      max: 1,
      onnotice: () => {},
    })
    ending.unshift(async () => {
      await operator`drop database ${operator(name)} with (force)`
      await operator.end()
    })
    await operator`create database ${operator(name)}`
    const file = join(await newFolder('dump'), 'jobs.dump')
    await run(join(bin, 'pg_dump'), ['--format=custom', `--file=${file}`, database.env.JOBS_DB_URL ?? ''])
    const copy = Object.assign(new URL(url), { pathname: `/${name}` }).href
    await run(join(bin, 'pg_restore'), [`--dbname=${copy}`, file])
    const moved = await on(copy)
    const restored = await open(moved)
    expect(await runServer(['adopt-database', '--same'], { ...restored.env })).toMatchObject({ code: 0 })
    const ended = await endOf(restored, operation_id)
    expect(ended).toMatchObject({ state: 'partial', error: expect.stringContaining('restored from a dump') })
    const answer = await restored.confirm(prune.path, { ...prune.body, preview_token: token })
    expect(codeOf(answer)).toBe('409 preview_stale')
  })
})
