import { describe, expect, it } from 'vitest'
import { newDatabase, newFolder } from '../support/database/database.ts'
import { insertJobs } from '../support/database/tables.ts'
import { call } from '../support/http.ts'
import { until } from '../support/poll.ts'
import { startServer } from '../support/programs/built.ts'
import { readyServers } from '../support/programs/ready-servers.ts'
import { runServer, type ServerProcess, spawnServer } from '../support/programs/spawn-server.ts'
import { openWorld, paths } from '../support/world.ts'

const key = 'key-of-the-tests'
const headers = { 'x-api-key': key, 'x-confirm': 'true' }

describe('the embedded database', () => {
  const { running, spawnReady } = readyServers({ SINGLE_USER_API_KEY: key })
  const get = ({ url }: { url: string }, path: string) => call({ url, method: 'GET', path, headers })
  const requeue = ({ url }: ServerProcess, job_type: string) =>
    call({ url, method: 'POST', path: paths.requeue, headers, body: { domain: 'd', job_type } })

  it('loses nothing that was confirmed when its server is killed in the middle of changes, again and again', async () => {
    const { env } = await newDatabase('embedded')
    const types = Array.from({ length: 400 }, (_, n) => `t${n}`)
    const setup = await startServer({ SINGLE_USER_API_KEY: key, ...env })
    await setup.prepared
    await setup.sql`
      insert into jobs (domain, queue, job_type, status)
      select 'd', 'default', job_type, 'quarantined' from unnest(${types}::text[]) as job_type`
    await setup.stop()

    const confirmed: string[] = []
    const left = [...types]
    for (let round = 1; round <= 6; round += 1) {
      const server = await spawnReady(env)
      const before = confirmed.length
      const kill = until('some changes are confirmed', () => confirmed.length >= before + round).then(() =>
        server.kill(),
      )
      for (;;) {
        const job_type = left.shift() ?? ''
        const answer = await requeue(server, job_type).catch(() => undefined)
        if (answer?.status !== 200) break
        confirmed.push(job_type)
      }
      await kill
    }

    const survivor = await spawnReady(env)
    const { body } = await get(survivor, paths.stats)
    const rows: { job_type: string; queued: number; quarantined: number }[] = Array.isArray(body) ? body : []
    const queued = rows.filter((row) => row.queued === 1).map((row) => row.job_type)

    expect(rows.length).toBe(types.length)
    expect(rows.every((row) => row.queued + row.quarantined === 1)).toBe(true)
    expect(confirmed.length).toBeGreaterThanOrEqual(21)
    expect(queued).toEqual(expect.arrayContaining(confirmed))
    // At most the one call of each round that was not answered is in doubt.
    expect(queued.length - confirmed.length).toBeLessThanOrEqual(10)
  }, 300_000)

  it('ends with its server at SIGTERM, also while a client keeps its connection', async () => {
    const { env } = await newDatabase('embedded')
    const server = await spawnReady(env)
    expect((await get(server, paths.stats)).status).toBe(200)
    expect(await server.stop()).toMatchObject({ code: 0, err: '' })
  })

  it('is made whole before its server ends at SIGTERM, so that the next start need not make it again', async () => {
    const env = { JOBS_DATA_DIR: await newFolder('data') }
    const server = await spawnServer({ SINGLE_USER_API_KEY: key, ...env })
    running.push(server)
    expect(await server.stop()).toMatchObject({ code: 0, err: '' })
    expect((await get(await spawnReady(env), paths.stats)).status).toBe(200)
  })

  it('is opened by one server only: a second one says why it cannot, and exits 6', async () => {
    const { env } = await newDatabase('embedded')
    const first = await spawnReady(env)

    const { code, err } = await runServer([], { PORT: '0', SINGLE_USER_API_KEY: key, ...env })

    expect(code).toBe(6)
    expect(err).toMatch(/^error: another jobs-server has the data folder .* open; nothing was started\n {2}hint: /)
    expect(err).toContain(env.JOBS_DATA_DIR)
    expect((await get(first, paths.stats)).status).toBe(200)
    await first.kill()
    running.splice(0)
    expect((await get(await spawnReady(env), paths.stats)).status).toBe(200)
  })

  it('does not keep the server from answering while a long query runs', async () => {
    const world = await openWorld('embedded')
    try {
      let ended = false
      const query = world.sql`select count(*) from generate_series(1, 8000000)`.then(() => {
        ended = true
      })
      let answered = 0
      while (!ended) {
        expect((await world.call('GET', '/healthz')).status).toBe(200)
        if (!ended) answered += 1
      }
      expect(answered).toBeGreaterThan(0)
      await query
    } finally {
      await world.stop()
    }
  })

  it('waits for the disk at each commit by default, and keeps its rows after kill -9', async () => {
    const { env } = await newDatabase('embedded')
    const setup = await startServer({ SINGLE_USER_API_KEY: key, ...env, JOBS_EMBEDDED_FSYNC: '' })
    await setup.prepared
    await insertJobs(setup.sql, 3, { status: 'quarantined', domain: 'd', job_type: 't' })
    expect([...(await setup.sql`show fsync`), ...(await setup.sql`show wal_sync_method`)]).toEqual([
      { fsync: 'on' },
      { wal_sync_method: 'fsync' },
    ])
    await setup.stop()

    const server = await spawnReady({ ...env, JOBS_EMBEDDED_FSYNC: '' })
    expect(await requeue(server, 't')).toMatchObject({ status: 200, body: { affected: 3 } })
    await server.kill()
    const again = await spawnReady({ ...env, JOBS_EMBEDDED_FSYNC: '' })
    expect((await get(again, paths.stats)).body).toMatchObject([{ queued: 3, quarantined: 0 }])
  })

  it('keeps transactions apart: of changes at the same time one is made, and reads go on', async () => {
    const world = await openWorld('embedded')
    try {
      await world.jobs(40, { status: 'quarantined' })
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          n % 2 ? world.call('GET', paths.stats) : world.confirm(paths.requeue, { domain: 'chatbooks' }),
        ),
      )
      const statuses = answers.map(({ status }, n) => `${n % 2 ? 'stats' : 'requeue'} ${status}`)
      expect(['requeue 200', 'requeue 409', 'stats 200']).toEqual(expect.arrayContaining([...new Set(statuses)]))
      expect(await world.events()).toMatchObject([{ attrs_json: { affected: 40 } }])
    } finally {
      await world.stop()
    }
  })
})
