import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPostgres, type ThrowawayPostgres } from '../../../scripts/launch/postgres.ts'
import type { Running } from '../../../server/start.ts'
import { newFolder } from '../../support/database/database.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { startServer } from '../../support/programs/built.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { jobsctlProcess } from '../../support/programs/jobsctl.ts'

/** Two clusters with twenty databases each, a server for each database in this process, and 200 ports that lead to the servers. */
const [databasesOfEach, portCount] = [20, 200]
const [hanging, refusing, otherVersion] = [10, 5, 3]

let clusters: ThrowawayPostgres[] = []
/** The database of each server: `0-07` is the eighth one of the first cluster, whose queue has that name. */
const databases = [0, 1].flatMap((cluster) =>
  Array.from({ length: databasesOfEach }, (_, at) => ({
    cluster,
    name: `app_${cluster}_${String(at).padStart(2, '0')}`,
  })),
)
const urlOf = (cluster: number, name: string) =>
  Object.assign(new URL(clusters[cluster]?.url ?? ''), { pathname: `/${name}` }).href

beforeAll(async () => {
  clusters = await Promise.all([startPostgres(), startPostgres()])
  for (const [cluster, { url }] of clusters.entries()) {
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    await sql`create database template_of_jobs`
    const made = await openServer(urlOf(cluster, 'template_of_jobs'))
    await made.prepared
    await made.stop()
    for (const { name } of databases.filter((one) => one.cluster === cluster)) {
      await sql`create database ${sql(name)} template template_of_jobs`
      const own = postgres(urlOf(cluster, name), { max: 1 })
      await own`insert into jobs (domain, queue, job_type, status) values ('mail', ${name}, 'send', 'queued')`
      await own.end()
    }
    await sql`drop database template_of_jobs`
    await sql.end()
  }
}, 240_000)
afterAll(() => Promise.all(clusters.map(({ stop }) => stop())))

const openServer = async (url: string): Promise<Running> =>
  startServer({
    ...{ JOBS_DB_URL: url, SINGLE_USER_API_KEY: 'key', JOBS_DATA_DIR: await newFolder('data') },
    ...{ JOBS_DB_POOL: '2', JOBS_DB_OPERATOR_POOL: '2', JOBS_BACKGROUND: 'false', JOBS_HISTORY: 'false' },
  })

/** Opens ports that all lead to a server, or that take connections and say nothing. */
async function openPorts(count: number, target?: string) {
  const sockets = new Set<Socket>()
  const ports = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer((from) => {
        const to = target === undefined ? undefined : connect(Number(new URL(target).port), '127.0.0.1')
        for (const socket of [from, ...(to ? [to] : [])]) sockets.add(socket.on('error', () => {}))
        if (to) from.pipe(to).pipe(from)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('it listens on no port')
      return { server, url: `http://127.0.0.1:${address.port}` }
    }),
  )
  const close = () => {
    for (const socket of sockets) socket.destroy()
    for (const { server } of ports) server.close()
  }
  return { urls: ports.map(({ url }) => url), close }
}

it('200 ports over forty databases of two clusters are asked within seconds, and those without an answer are named', async () => {
  const servers = await Promise.all(databases.map(({ cluster, name }) => openServer(urlOf(cluster, name))))
  await Promise.all(servers.map(({ prepared }) => prepared))
  const silent = await openPorts(hanging)
  // Below the ports that a system gives away, so that no test beside this one can get them.
  const refused = Array.from({ length: refusing }, (_, at) => `http://127.0.0.1:${at + 2}`)
  const newer = await fakeServer(() => ({ headers: { 'x-jobs-version': '9.0.0' }, body: { stats: [] } }))
  const good = portCount - hanging - refusing - otherVersion
  const ways = await Promise.all(
    servers.map(({ url }, at) =>
      openPorts(Math.floor(good / servers.length) + (at < good % servers.length ? 1 : 0), url),
    ),
  )
  try {
    const targets = ways.flatMap(({ urls }, at) => urls.map((url) => ({ url, queue: databases[at]?.name ?? '' })))
    expect(targets).toHaveLength(good)
    const api_key_file = await secretFile('key')
    const named = (prefix: string, urls: readonly string[]) =>
      urls.map((url, at) => [`${prefix}-${String(at).padStart(3, '0')}`, { url, api_key_file }] as const)
    const without = [
      ...named('hangs', silent.urls),
      ...named(
        'other',
        Array.from({ length: otherVersion }, () => newer.url),
      ),
      ...named('refuses', refused),
    ]
    const asked = named(
      'port',
      targets.map(({ url }) => url),
    )
    const { env } = await configHome({ profiles: Object.fromEntries([...without, ...asked]) })
    // Two seconds are enough on a machine with little to do. One that is busy needs more to answer at all.
    const patience = process.env.FLEET_PATIENCE ?? '8s'
    const began = performance.now()
    const { code, out, err } = await jobsctlProcess(['stats', '--fleet', '*', '--profile-timeout', patience, '--tsv'], {
      env,
    })
    const took = performance.now() - began
    if (process.env.FLEET_PATIENCE) process.stderr.write(`200 profiles took ${Math.round(took)} ms\n`)
    expect(out.trimEnd().split('\n')).toEqual(
      asked.map(([name], at) => `${name}\tmail\t${targets[at]?.queue}\tsend\t1\t0\t0\t0`),
    )
    expect([...err.matchAll(/^error: ([a-z]+-\d+): /gm)].map(([, name]) => name)).toEqual(without.map(([name]) => name))
    expect(code).toBe(9)
    expect(took).toBeLessThan(16_000)
  } finally {
    for (const { close } of [silent, ...ways]) close()
    await Promise.all(servers.map((server) => server.stop()))
  }
}, 240_000)

it('forty databases of two clusters are written as profiles, and are asked without a server', async () => {
  const { env } = await configHome({ profiles: {} })
  for (const cluster of clusters.keys()) {
    const argv = ['config', 'add-databases', `c${cluster}`, '--db', urlOf(cluster, 'postgres'), '--like', 'app\\_%']
    const added = await jobsctlProcess(argv, { env })
    expect([added.code, added.err]).toEqual([0, expect.stringContaining(`${databasesOfEach} added, 0 kept, 0 skipped`)])
  }
  const began = performance.now()
  const { code, out, err } = await jobsctlProcess(
    ['stats', '--fleet', 'c?-app*', '--profile-timeout', '10s', '--tsv'],
    {
      env,
    },
  )
  const took = performance.now() - began
  if (process.env.FLEET_PATIENCE) process.stderr.write(`40 databases took ${Math.round(took)} ms\n`)
  expect([code, err]).toEqual([0, ''])
  expect(out.trimEnd().split('\n')).toEqual(
    databases.map(({ cluster, name }) => `c${cluster}-${name}\tmail\t${name}\tsend\t1\t0\t0\t0`),
  )
  expect(took).toBeLessThan(40_000)
}, 240_000)
