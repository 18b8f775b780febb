import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as endpoints from '../../../shared/endpoints.ts'
import { ask, at, changes, prune, recordOf, requeue } from '../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf } from '../../support/changes/detached.ts'
import { kinds } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { runServer, spawnServer } from '../../support/programs/spawn-server.ts'
import { workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const frozen = { status: 403, body: { code: 'frozen' } }
/** Batches of 4 jobs, two a second. */
const slow = { rate: 8 }

/** Calls that act on one thing, with a body that the server takes. */
const single = (id: number) => [
  { path: `/api/v1/jobs/${id}/cancel`, body: {} },
  { path: '/api/v1/jobs/queue/control', body: { domain: 'chatbooks', queue: 'default', action: 'pause' } },
  { path: '/api/v1/jobs/sla/policy', body: { domain: 'a', queue: 'b', job_type: 'c', max_duration_seconds: 5 } },
  { path: '/api/v1/jobs/operations/1/keep', body: { until: '2099-01-01T00:00:00Z' } },
]

describe.each(kinds)('a freeze of a database that is %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  afterEach(async () => {
    await world.sql`delete from jobsctl_settings where name = 'freeze'`
  })

  const freeze = (reason = 'moving to the new cluster') => runServer(['freeze', '--reason', reason], world.env)
  const thaw = () => runServer(['thaw'], world.env)

  it('refuses every change of operators on a server that runs, says who froze it and why, and ends with a thaw', async () => {
    const [id = 0] = await world.jobs(3)
    const [queued = 0] = await world.jobs(1, { status: 'queued' })
    const before = await world.rows()
    expect(await freeze()).toMatchObject({ code: 0, out: expect.stringContaining('jobs-server thaw') })
    const refused = await world.confirm(paths.prune, prune.body)
    expect(refused).toMatchObject(frozen)
    expect(refused.body).toMatchObject({
      detail: expect.stringMatching(
        /^\S+@\S+ froze the database at 20\S+Z \("moving to the new cluster"\), until jobs-server thaw; nothing was changed$/,
      ),
      hint: expect.stringContaining('jobs-server thaw'),
    })
    for (const { path, body } of changes) expect(await world.confirm(path, body), path).toMatchObject(frozen)
    expect(await world.confirm(at.undo(99), {})).toMatchObject({ status: 404 })
    for (const { path, body } of single(queued)) expect(await world.post(path, body), path).toMatchObject(frozen)
    const policy = { domain: 'a', queue: 'b', job_type: 'c' }
    expect(await world.call('DELETE', '/api/v1/jobs/sla/policy', policy, { 'x-confirm': 'true' })).toMatchObject(frozen)
    expect(await world.rows()).toEqual(before)
    expect(await world.sql`select from job_operations where kind <> 'database.frozen'`).toHaveLength(0)
    expect((await world.call('GET', `/api/v1/jobs/${id}`)).status).toBe(200)
    expect((await ask(world, { ...prune, body: prune.preview })).status).toBe(200)

    expect((await world.call('GET', '/readyz')).body).toEqual({ status: 'ready', frozen: true })
    const doctor = await world.jobsctl(['doctor'])
    expect(doctor).toMatchObject({
      code: 0,
      out: expect.stringMatching(/state\twarning\tfrozen: \S+ froze the database/),
    })
    const cli = await world.jobsctl(['prune', '--domain', 'chatbooks', '--yes'])
    expect(cli).toMatchObject({ code: 6, err: expect.stringContaining('hint: workers go on') })

    expect(await freeze('again')).toMatchObject({ code: 6, err: expect.stringContaining('moving to the new cluster') })
    expect(await thaw()).toMatchObject({ code: 0, out: expect.stringContaining('moving to the new cluster') })
    expect(await thaw()).toMatchObject({ code: 0, out: 'the database was not frozen\n' })
    expect((await world.call('GET', '/readyz')).body).toEqual({ status: 'ready' })
    expect(await world.confirm(paths.prune, prune.body)).toMatchObject({ status: 200, body: { deleted: 3 } })
    const types = (await world.events()).map(({ event_type }) => event_type)
    expect(types).toEqual(['database.frozen', 'database.thawed', 'jobs.pruned'])
  })

  it('leaves every other endpoint to workers and to readers of the log: none that changes is forgotten', () => {
    const changing = Object.values(endpoints).filter((one) => 'method' in one && one.method !== 'GET')
    const going = changing.filter((one) => 'whileFrozen' in one).map(({ path }) => path)
    expect(going.sort()).toEqual(
      [
        ...['', '/batch', '/acquire', '/finish', '/renew', '/:id/renew', '/:id/complete', '/:id/fail', '/:id/release'],
        ...[
          '/:id/attachments',
          '/operations/:id/stop',
          '/marks',
          '/events/cursors/:name',
          '/events/cursors/:name/remove',
        ],
      ]
        .map((path) => `/api/v1/jobs${path}`)
        .concat('/api/v1/session', '/api/v1/session/end', '/api/v1/agent-session', '/api/v1/agent-session/end')
        .sort(),
    )
  })

  it('lets workers go on from enqueue to finish, and dependents wake up', async () => {
    await world.clear()
    await freeze()
    const worker = workerOf(world.post)
    const first = await worker.enqueue()
    const second = await worker.enqueue({ depends_on: [first.uuid] })
    const job = await worker.take()
    const attachment = { kind: 'log', content_text: 'x' }
    expect((await world.post(`/api/v1/jobs/${first.id}/attachments`, attachment)).status).toBe(200)
    await worker.renew(job)
    expect(await worker.lease()).toEqual([])
    await worker.complete(job)
    expect(await worker.take()).toMatchObject({ id: second.id })
    await thaw()
  })

  it('returns after the last transaction of a change that began before', async () => {
    if (kind === 'embedded') return // one session: no transaction is open while another one runs
    await world.clear()
    let commit = () => {}
    const open = new Promise<void>((done) => {
      commit = done
    })
    let isBegun = false
    const batch = world.sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock_shared(hashtextextended('jobsctl freeze', 0))`
      isBegun = true
      await open
    })
    await until('the batch has begun', () => isBegun)
    let returned = false
    const freezing = freeze().finally(() => {
      returned = true
    })
    await until('changes are refused', async () => (await world.confirm(paths.prune, prune.body)).status === 403)
    expect(returned).toBe(false)
    commit()
    await batch
    expect((await freezing).code).toBe(0)
    await thaw()
  })

  it('stops a change between two batches, and one without a caller goes on after the thaw', async () => {
    await world.clear()
    await world.jobs(400, requeue.wanted)
    await world.jobs(400)
    const waiting = ask(world, prune, slow)
    const { operation_id: id } = acceptedOf(await detached(world, requeue, slow))
    await until('both have begun', async () => {
      const rows = await world.sql`select from job_operations where affected > 0`
      return rows.length === 2
    })
    await freeze()
    const jobs = await world.rows()
    const stopped = await waiting
    expect(stopped).toMatchObject({ status: 503, body: { code: 'partial' } })
    expect(Object(stopped.body).detail).toMatch(
      // The first batch has one job where the others have ended a millisecond later.
      /^\S+ froze the database .*, until jobs-server thaw; (?:1 job was|\d+ jobs were) changed before that/,
    )
    const asked = { 'x-api-key': world.key }
    const progress = new AbortController()
    const { body } = await fetch(`${world.url}${at.get(id)}/progress`, { headers: asked, signal: progress.signal })
    const first = await body?.getReader().read()
    progress.abort()
    expect(new TextDecoder().decode(first?.value)).toContain('"why":"frozen"')
    await until('it is given back', async () => {
      const [row] = await world.sql<{ hold: string | null }[]>`select hold from jobsctl_detached`
      return row?.hold === null
    })
    const before = await recordOf(world, id)
    expect(before.state).toBe('running')
    expect(await world.rows()).toEqual(jobs)
    await thaw()
    await until('it goes on', async () => (await recordOf(world, id)).affected > before.affected)
    expect((await world.post(`${at.get(id)}/stop`, {})).status).toBe(200)
    expect(await endOf(world, id)).toMatchObject({ state: 'partial', error: 'single-user stopped it' })
  })

  it('answers a request that is sent again with its first answer, since nothing is changed', async () => {
    await world.clear()
    await world.jobs(2)
    const key = { 'idempotency-key': 'night' }
    const first = await ask(world, prune, {}, key)
    expect(first.status).toBe(200)
    await freeze()
    expect((await ask(world, prune, {}, key)).body).toMatchObject({
      deleted: 2,
      operation_id: Object(first.body).operation_id,
    })
    await thaw()
  })

  it('is for all servers at once', async () => {
    if (kind === 'embedded') return // one server at a time
    const other = await spawnServer(world.env)
    try {
      const send = (method: string, path: string, body?: unknown) =>
        call({ url: other.url, method, path, body, headers: { 'x-api-key': world.key, 'x-confirm': 'true' } })
      const both = [() => world.confirm(paths.prune, prune.body), () => send('POST', paths.prune, prune.body)]
      await until('the other server is ready', async () => (await send('GET', '/readyz')).status === 200)
      await freeze()
      for (const ask of both) expect(await ask()).toMatchObject(frozen)
      await thaw()
      for (const ask of both) expect(await ask()).toMatchObject({ status: 200 })
    } finally {
      await other.kill()
    }
  })

  it('wants a reason', async () => {
    expect(await runServer(['freeze'], world.env)).toMatchObject({ code: 2, err: expect.stringContaining('--reason') })
    expect(await runServer(['freeze', '--reason', ' '], world.env)).toMatchObject({ code: 2 })
    expect(await runServer(['freeze', '--reason', 'x'.repeat(501)], world.env)).toMatchObject({ code: 2 })
    expect((await world.call('GET', '/readyz')).body).toEqual({ status: 'ready' })
  })

  it('may have been ordered by hand, with any text, and ends with a thaw, too', async () => {
    const [ended, running] = [4711, 4712]
    await world.sql`
      insert into job_operations (id, kind, state, caller, filters, as_of, seen, request_hash, touched_at)
      select id, 'prune', state, 'single-user', '{}', now(), '1:1:', '', now() + interval '1 day'
      from (values (${ended}::int, 'done'), (${running}::int, 'running')) as given (id, state)`
    const follow = async (id: number) => {
      const headers = { 'X-API-KEY': world.key }
      const { status, body } = await fetch(`${world.url}/api/v1/jobs/operations/${id}/progress`, { headers })
      const reader = body?.getReader()
      const first = new TextDecoder().decode((await reader?.read())?.value)
      await reader?.cancel()
      return { status, first }
    }
    for (const text of ['true', '{"by"', '']) {
      await world.sql`insert into jobsctl_settings (name, value) values ('freeze', ${text})`
      expect(await world.confirm(paths.prune, prune.body)).toMatchObject(frozen)
      expect(await world.call('GET', '/readyz')).toMatchObject({ status: 200, body: { frozen: true } })
      expect(await follow(ended)).toMatchObject({ status: 200, first: expect.stringContaining('"batches"') })
      expect(await follow(running)).toMatchObject({ status: 200, first: expect.stringContaining('"why":"frozen"') })
      expect((await world.jobsctl(['doctor'])).out).toMatch(
        /^state\twarning\tfrozen: somebody froze the database at a time/m,
      )
      expect(await thaw()).toMatchObject({
        code: 0,
        out: expect.stringContaining('thawed: somebody froze the database'),
      })
      expect((await ask(world, { ...prune, body: prune.preview })).status).toBe(200)
    }
  })
})
