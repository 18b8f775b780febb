import { afterEach, describe, expect, it } from 'vitest'
import {
  ask,
  type Change,
  changes,
  doneOf,
  expectIntact,
  isIntact,
  previewOf,
  prune,
  recordOf,
  requeue,
  retry,
} from '../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf, resultOf, tracesOf } from '../../support/changes/detached.ts'
import { newDatabase, type TestDatabase } from '../../support/database/database.ts'
import { rowsWith } from '../../support/database/rows-with.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

const jobs = 40
/** Batches of 8 jobs, two a second. */
const slow = { rate: 16 }

/** A database that stays when its world stops. */
const staying = ({ env }: TestDatabase): Promise<TestDatabase> => Promise.resolve({ env, drop: async () => {} })

describe('a change without its caller, whose server goes', () => {
  const ending: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  async function openTwo(kind: 'postgres' = 'postgres', more: Record<string, string> = {}) {
    const world = await openWorld(kind)
    ending.push(() => world.stop())
    return { world, other: await spawn({ ...world.env, ...more }, world) }
  }
  async function spawn(env: Record<string, string>, { key }: Pick<World, 'key'>) {
    const server = await spawnServer(env)
    ending.push(() => server.kill())
    const send = (method: string, path: string, body?: unknown, headers = {}) =>
      call({ url: server.url, method, path, body, headers: { 'x-api-key': key, ...headers } })
    await until('the server is ready', async () => (await send('GET', '/readyz')).status === 200)
    const confirm: World['confirm'] = (path, body, headers) =>
      send('POST', path, body, { 'x-confirm': 'true', ...headers })
    return { ...server, confirm, post: confirm }
  }
  /** Starts a change at a server, and waits until it has changed some jobs and not all. */
  async function begun(world: World, other: Pick<World, 'confirm'>, change: Change, fields = {}) {
    const { operation_id: id } = acceptedOf(await detached(other, change, { ...slow, ...fields }))
    await until('a batch is done', async () => (await recordOf(world, id)).affected > 0)
    return id
  }

  it('goes on at another server within ten seconds, whatever its kind, under the same record', async () => {
    const { world, other } = await openTwo()
    const running: { change: Change; id: number; token: string }[] = []
    for (const [at, one] of changes.entries()) {
      const domain = `d${at}`
      const change = { ...one, body: { ...one.body, domain }, preview: { ...one.preview, domain } }
      await world.jobs(jobs, { ...one.wanted, domain })
      const { token } = await previewOf(other, change)
      const { operation_id: id } = acceptedOf(await detached(other, change, { ...slow, preview_token: token }))
      running.push({ change, id, token })
    }
    await until('all of them have begun', async () => {
      const records = await Promise.all(running.map(({ id }) => recordOf(world, id)))
      return records.every(({ affected }) => affected > 0)
    })
    const before = await Promise.all(running.map(({ id }) => recordOf(world, id)))
    await other.kill()
    const killed = Date.now()
    expect(before.some(({ state, affected }) => state === 'running' && affected < jobs)).toBe(true)
    for (const { change, id } of running) {
      const record = await endOf(world, id)
      expect(record, change.name).toMatchObject({ kind: change.kind, state: 'done', affected: jobs, previewed: jobs })
      expect(record.request_id).toBe(before.find((one) => one.id === id)?.request_id)
      const traces = await tracesOf(world, id)
      expect(traces, change.name).toMatchObject({ in_events: jobs, events: record.batches })
      if (change.kind === 'prune') expect(traces.archived).toBe(jobs)
      else if (!['integrity', 'reclaim'].includes(change.kind)) expect(traces.images, change.name).toBe(jobs)
      expect(JSON.stringify(await resultOf(world, id)), change.name).toContain(`"operation_id":${id}`)
    }
    // Ten seconds until it goes on, and the rest of its two and a half seconds; the limit bears a busy machine.
    expect(Date.now() - killed).toBeLessThan(40_000)
    expect(await world.sql`select * from jobsctl_detached`).toEqual([])
    await expectIntact(world)
    const [first] = running
    const undone = await world.confirm(`/api/v1/jobs/operations/${first?.id}/undo`, {})
    expect(doneOf(undone).affected).toBe(jobs)
  })

  it('erases the rest where its server is killed, each job once, and leaves no value', async () => {
    const { world, other } = await openTwo()
    const value = 'ann.lee+7@example.test'
    const hers = { owner_user_id: value, payload: { email: value } }
    await world.jobs(jobs / 2, { ...hers, queue: 'pruned' })
    doneOf(await world.confirm(prune.path, { domain: 'chatbooks', queue: 'pruned' }))
    const live = await world.jobs(jobs / 2, hers)
    await world.sql`
      insert into job_events (job_id, domain, event_type, attrs_json, owner_user_id)
      select id, 'chatbooks', 'job.noted', jsonb_build_object('by', ${value}::text), ${value}
      from unnest(${live.map(String)}::text[]::bigint[]) as id`
    const others = await world.jobs(3, { owner_user_id: 'bob' })
    const erasure = { path: '/api/v1/jobs/erase', body: { owner_user_id: value } }
    const { operation_id: id } = acceptedOf(await detached(other, erasure, slow))
    await until('a batch is done', async () => (await recordOf(world, id)).affected > 0)
    await other.kill()
    expect(await recordOf(world, id)).toMatchObject({ state: 'running' })
    const record = await endOf(world, id)
    expect(record).toMatchObject({ kind: 'erase', state: 'done', affected: jobs })
    expect(record.counts).toMatchObject({ jobs: jobs / 2, archived: jobs / 2, gone: 0 })
    expect(await tracesOf(world, id)).toMatchObject({ archived: 0, images: 0, in_events: jobs, events: record.batches })
    expect((await world.rows()).map((row) => row.id)).toEqual(others)
    expect(await rowsWith(world.sql, value)).toEqual([])
    expect(other.output.out + world.log.join('')).not.toContain(value)
    await expectIntact(world)
  })

  it('goes on at once where its server stops, and one of three servers does so', async () => {
    const { world, other } = await openTwo()
    await spawn(world.env, world)
    await world.jobs(jobs, retry.wanted)
    const id = await begun(world, other, retry)
    expect((await other.stop()).code).toBe(0)
    expect(await recordOf(world, id)).toMatchObject({ state: 'running' })
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: jobs })
    expect(await tracesOf(world, id)).toMatchObject({ images: jobs, in_events: jobs })
  })

  it('keeps to its limit and its count, and answers a caller who asks again with its key', async () => {
    const { world, other } = await openTwo()
    await world.jobs(jobs, requeue.wanted)
    const { token } = await previewOf(world, requeue)
    const key = { 'idempotency-key': 'night' }
    const fields = { ...slow, limit: 20, preview_token: token }
    const { operation_id: id } = acceptedOf(await detached(other, requeue, fields, key))
    await until('a batch is done', async () => (await recordOf(world, id)).affected > 0)
    await world.jobs(10, requeue.wanted)
    await other.kill()
    expect(acceptedOf(await detached(world, requeue, fields, key)).operation_id).toBe(id)
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: 20 })
    const { body } = await ask(world, requeue, fields, key)
    expect(body).toMatchObject({ affected: 20, operation_id: id, job_ids: expect.arrayContaining([]) })
    expect(Object(body).job_ids).toHaveLength(20)
    expect(Object(body).rest_token).toEqual(expect.any(String))
  })

  it('goes on with the settings of the server that took it', async () => {
    const { world, other } = await openTwo('postgres', { JOBS_ARCHIVE_BEFORE_DELETE: 'false' })
    await world.jobs(jobs)
    const id = await begun(world, other, prune)
    await other.kill()
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: jobs })
    expect(await tracesOf(world, id)).toMatchObject({ archived: 0, in_events: jobs })
  })

  it('changes nothing twice where its server was only silent', async () => {
    const { world, other } = await openTwo()
    await world.jobs(jobs, retry.wanted)
    const id = await begun(world, other, retry)
    // In the middle of a batch PostgreSQL would end its session, and the server would not be told who goes on.
    await until('it is frozen between two batches', async () => {
      other.freeze()
      const open = await world.sql`
        select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null`
      if (open.length > 0) other.thaw()
      return open.length === 0
    })
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: jobs })
    const rows = await world.fingerprint()
    other.thaw()
    await until('it notices', () => other.output.out.includes(`operation ${id} was taken over`))
    expect(await world.fingerprint()).toBe(rows)
    expect(await tracesOf(world, id)).toMatchObject({ images: jobs, in_events: jobs })
    expect(await isIntact(world)).toBe(true)
  })

  it('stays as it is where an older server has closed its record', async () => {
    const { world, other } = await openTwo()
    await world.jobs(jobs, retry.wanted)
    const id = await begun(world, other, retry)
    // What version 0.1.0 does with a record that nobody has touched for ten seconds.
    await world.sql`update job_operations set state = 'partial', error = 'its server died' where id = ${id}::bigint`
    await until('its server stops', () => other.output.out.includes(`operation ${id} was taken over`))
    const { affected } = await recordOf(world, id)
    expect(affected).toBeLessThan(jobs)
    expect(await tracesOf(world, id)).toMatchObject({ images: affected, in_events: affected })
    expect(doneOf(await ask(world, retry)).affected).toBe(jobs - affected)
  })

  it('goes on when the only server of an embedded database starts again, also after kill -9', async () => {
    const many = 10 * jobs
    const database = await newDatabase('embedded')
    ending.push(() => database.drop())
    const setup = await openWorld('embedded', {}, staying(database))
    await setup.jobs(many, retry.wanted)
    await setup.stop()
    const first = await spawn(setup.env, setup)
    const { operation_id: id } = acceptedOf(await detached(first, retry, slow))
    const affected = (server: ServerProcess) =>
      call({
        url: server.url,
        method: 'GET',
        path: `/api/v1/jobs/operations/${id}`,
        headers: { 'x-api-key': setup.key },
      }).then(({ body }) => Number(Object(body).affected))
    await until('a batch is done', async () => (await affected(first)) > 0)
    await first.kill()
    const second = await spawn(setup.env, setup)
    const before = await affected(second)
    expect(before).toBeLessThan(many)
    await until('it goes on', async () => (await affected(second)) > before)
    await second.stop()
    const world = await openWorld('embedded', {}, staying(database))
    ending.push(() => world.stop())
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: many })
    expect(await tracesOf(world, id)).toMatchObject({ images: many, in_events: many })
  }, 360_000)
})
