import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { readEnv } from '../../../server/env/env.ts'
import { fleet, overview } from '../../../shared/endpoints.ts'
import { bearer, makeScoped, makeToken } from '../../support/access/tokens.ts'
import { newFolder } from '../../support/database/database.ts'
import { deadServer, fakeServer } from '../../support/fakes/fake-server.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { openWorld, type World } from '../../support/world.ts'

const secret = 'jst_0123456789ab_never-shown'
const totals = {
  ...{ queues: 1, waiting: 7, scheduled: 0, running: 2, quarantined: 0, expired: 0 },
  ...{ in_per_minute: null, done_per_minute: null, failed_per_minute: 3 },
}
const told = { as_of: '2026-11-24T12:00:00.000000Z', totals, failing_queues: 1, of_tomorrow: 'more' }

interface Written {
  name: string
  url: string
  token?: string
}

describe('the servers of JOBS_FLEET_FILE', () => {
  /** The server that is asked for the others, and one of the others. */
  let world: World
  let member: World
  let file: string
  let viewer: string
  let log: string[]
  let running: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    ;[world, member] = await Promise.all([
      openWorld('postgres', { AUTH_MODE: 'multi_user' }),
      openWorld('postgres', { AUTH_MODE: 'multi_user' }),
    ])
    viewer = await makeToken(world.sql, 'viewer', 'viewer')
    file = join(await newFolder('fleet'), 'fleet.yaml')
    await writeFile(file, 'servers: []')
    log = []
    running = await startServer({ ...world.env, JOBS_FLEET_FILE: file }, (line) => void log.push(line))
    await running.prepared
  })
  afterAll(async () => {
    await running?.stop()
    await Promise.all([world?.stop(), member?.stop()])
  })
  beforeEach(() => void log.splice(0))

  /** Writes the file, with a token file beside it for each, and lets the server read it again. */
  const write = async (servers: readonly Written[]) => {
    const lines = await Promise.all(
      servers.map(async ({ name, url, token = secret }) => {
        await writeFile(`${file}.${name}`, `${token}\n`, { mode: 0o600 })
        return { name, url, token_file: `fleet.yaml.${name}` }
      }),
    )
    await writeFile(file, JSON.stringify({ servers: lines }))
    await running.reload(readEnv({ ...world.env, JOBS_FLEET_FILE: file }))
  }
  const ask = (token = viewer) =>
    call({ url: running.url, method: 'GET', path: fleet.path, headers: { authorization: `Bearer ${token}` } })
  const read = async () => {
    const { status, body } = await ask()
    expect(status).toBe(200)
    return fleet.output.parse(body).servers
  }

  /** What is told of servers of which only those `hang` that are named: on a busy machine another one may not answer in time, either. */
  const readOf = (servers: readonly Written[], hang: readonly string[] = [], prepare = async () => {}) =>
    until('the others answer in time', async () => {
      await write(servers)
      await prepare()
      const [members, again] = await Promise.all([read(), read()])
      expect(again).toEqual(members)
      const late = members.filter(({ name, why }) => why?.includes('did not answer') && !hang.includes(name))
      return late.length === 0 ? members : undefined
    })

  it('are listed with their counts, each of which is read with its token', async () => {
    await member.clear()
    await member.jobs(3, { status: 'queued' })
    await member.jobs(1, { status: 'quarantined' })
    const token = await makeToken(member.sql, 'fleet', 'viewer')
    const counts = { ...overview.output.parse((await read_(member, token)).body).totals, failing_queues: 0 }
    expect(counts).toMatchObject({ waiting: 3, quarantined: 1 })
    expect(await readOf([{ name: 'eu', url: `${member.url}/`, token }])).toEqual([
      {
        ...{ name: 'eu', url: member.url, why: null },
        // A rate falls with each second of the minute that goes on.
        counts: { as_of: expect.stringMatching(/^2/), ...counts, in_per_minute: expect.any(Number) },
      },
    ])
  })
  const read_ = (of: World, token: string) => of.call('GET', overview.path, undefined, bearer(token))

  it('are named with the reason where they give no counts, within their time, and without the token', async () => {
    const [hangs, begins, strange, huge, elsewhere, gone, broken, good] = await Promise.all([
      fakeServer(() => 'silence'),
      fakeServer(() => ({ lines: ['{"as_of":', 'silence'] })),
      fakeServer(() => ({ body: '<html>log in</html>' })),
      fakeServer(() => ({ body: JSON.stringify({ ...told, queues: ['x'.repeat(5_000_000)] }) })),
      fakeServer(() => ({ status: 302, headers: { location: `${member.url}${overview.path}` } })),
      deadServer(),
      fakeServer(() => ({ status: 500, body: { detail: `the token ${secret} is wrong` } })),
      fakeServer(() => ({ body: told })),
    ])
    const servers = { hangs, begins, strange, huge, elsewhere, gone, broken, good }
    const written = [
      ...Object.entries(servers).map(([name, { url }]) => ({ name, url })),
      { name: 'refuses', url: member.url },
      { name: 'scopeless', url: member.url, token: await makeToken(member.sql, 'producer', 'producer') },
      { name: 'older', url: `${member.url}/elsewhere` },
      { name: 'twolines', url: member.url, token: `${secret}\n${secret}` },
      { name: 'absent', url: member.url },
    ]
    const members = await readOf(written, ['hangs', 'begins'], () => rm(`${file}.absent`))
    expect(Object.fromEntries(members.map(({ name, why }) => [name, why]))).toEqual({
      hangs: 'it did not answer within 2 s',
      begins: 'it did not answer within 2 s',
      strange: 'its answer is not that of a jobs-server of this version',
      huge: 'its answer is larger than 4 MiB',
      elsewhere: 'it leads elsewhere (302), where the token is not sent',
      gone: 'it cannot be reached: connection refused (ECONNREFUSED)',
      broken: 'it answered 500',
      good: null,
      refuses: 'it refused the token',
      scopeless: 'the token may not read its counts',
      older: 'it has no overview: its version is older than 0.3.0, or the URL is not its root',
      twolines: 'this server has no token for it',
      absent: 'this server has no token for it',
    })
    expect(members.filter(({ counts }) => counts).map(({ name }) => name)).toEqual(['good'])
    expect(members.find(({ name }) => name === 'good')?.counts).toEqual({
      as_of: told.as_of,
      ...totals,
      failing_queues: 1,
    })
    expect(new Set(good.requests.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${secret}`]))
    const logged = log.filter((line) => line.includes('JOBS_FLEET_FILE'))
    expect(logged.sort()).toEqual([
      expect.stringMatching(/the token of absent is of no use: its file cannot be read: .*ENOENT/),
      expect.stringMatching(/the token of twolines is of no use: .* must have one line of printable ASCII/),
    ])
    expect(JSON.stringify([members, log])).not.toContain('never-shown')
    expect(JSON.stringify(members)).not.toContain('fleet.yaml')
  })

  it('are asked once for all callers within 10 seconds, and 32 at once', async () => {
    let [now, most, asked] = [0, 0, 0]
    let goOn = () => {}
    const begun = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const slow = await fakeServer(async () => {
      asked += 1
      now += 1
      most = Math.max(most, now)
      if (now === 32) goOn()
      await begun
      now -= 1
      return { body: told }
    })
    const first = await readOf(
      Array.from({ length: 70 }, (_, at) => ({ name: `n${at}`, url: slow.url })),
      [],
      async () => {
        ;[now, asked] = [0, 0]
      },
    )
    expect(first.map(({ name, why }) => [name, why])).toEqual(Array.from({ length: 70 }, (_, at) => [`n${at}`, null]))
    expect(await Promise.all([read(), read()])).toEqual([first, first])
    expect({ asked, most }).toEqual({ asked: 70, most: 32 })
  })

  it('are not told to callers with a scope, nor to agents', async () => {
    const asked = await fakeServer(() => ({ body: told }))
    await write([{ name: 'hidden-from-some', url: asked.url }])
    await setAgents(world.sql, true)
    for (const token of [
      await makeScoped(world.sql, 'viewer', { domains: ['mail'] }),
      await makeScoped(world.sql, 'operator', { job_types: ['mail'] }),
      await makeToken(world.sql, 'mender', 'agent'),
      await makeToken(world.sql, 'worker', 'worker'),
    ]) {
      const { status, body } = await ask(token)
      expect({ status, body }).toMatchObject({ status: 403, body: { code: 'forbidden' } })
      expect(JSON.stringify(body)).not.toMatch(/hidden-from-some|127\.0\.0\.1/)
    }
    expect(asked.requests).toEqual([])
  })

  it('stay as they were where the file is of no use when it is read again, and are none without a file', async () => {
    const kept = await fakeServer(() => ({ body: told }))
    await write([{ name: 'kept', url: kept.url }])
    await writeFile(file, 'servers: [{name: eu}]')
    await running.reload(readEnv({ ...world.env, JOBS_FLEET_FILE: file }))
    expect(log.join('')).toMatch(/SIGHUP: the servers stay as they were: .*fleet\.yaml:1:/)
    expect((await read()).map(({ name }) => name)).toEqual(['kept'])
    await expect(startServer({ ...world.env, JOBS_FLEET_FILE: file })).rejects.toMatchObject({ code: 'usage' })
    const none = await world.call('GET', fleet.path, undefined, bearer(viewer))
    expect(none).toMatchObject({ status: 200, body: { servers: [] } })
  })
})
