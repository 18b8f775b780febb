import { EventEmitter, once } from 'node:events'
import { connect, createServer } from 'node:net'
import postgres from 'postgres'
import { afterAll, expect, it } from 'vitest'
import { startPostgres } from '../../../scripts/launch/postgres.ts'
import { emptyDatabase, newFolder, type TestDatabase } from '../../support/database/database.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { postgresUrl } from '../../support/run/shared.ts'

const databases: TestDatabase[] = []
afterAll(() => Promise.all(databases.map(({ drop }) => drop())))

const says = (version: string) =>
  `create or replace function pg_catalog.version() returns text language sql stable as $$ select '${version}' $$`

/** How a database differs from PostgreSQL, and what the server then says. */
const cases: readonly [name: string, statements: string, error: string][] = [
  [
    'CockroachDB',
    says('CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)'),
    'the database is CockroachDB (CockroachDB CCL',
  ],
  ['YugabyteDB', says('PostgreSQL 15.2-YB-2.25.0.0-b0 on x86_64'), 'the database is YugabyteDB'],
  [
    'a database without advisory locks',
    'alter function pg_catalog.pg_try_advisory_xact_lock_shared(bigint) rename to no_lock',
    'the database lacks what jobs-server stands on: function pg_catalog.pg_try_advisory_xact_lock_shared(bigint) does not exist',
  ],
  [
    'a database without PL/pgSQL, such as Aurora DSQL',
    'drop extension plpgsql',
    'the database lacks what jobs-server stands on: PL/pgSQL',
  ],
  [
    'a proxy that has two servers answer a statement',
    `alter function pg_catalog.pg_postmaster_start_time() rename to one_start_time;
     create function pg_catalog.pg_postmaster_start_time() returns setof timestamptz language sql stable as $$ select now() union all select now() $$`,
    'a proxy has several servers answer one statement',
  ],
  [
    'a proxy that spreads statements over servers',
    `alter function pg_catalog.pg_postmaster_start_time() rename to one_start_time;
     create sequence public.asked;
     create function pg_catalog.pg_postmaster_start_time() returns timestamptz language sql volatile as $$ select to_timestamp(nextval('public.asked') % 2) $$`,
    'a proxy spreads statements over 2 servers',
  ],
  [
    'jobs that Citus spreads',
    `create table jobs (id bigint);
     create table pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char");
     insert into pg_catalog.pg_dist_partition values ('jobs', 'h')`,
    'the table jobs is distributed by Citus',
  ],
]

/** A proxy before two clusters that gives each third connection the second one, with the connections that it has had. */
async function spreadingProxy() {
  const clusters = await Promise.all([startPostgres(), startPostgres()])
  const ports = clusters.map(({ url }) => Number(new URL(url).port))
  const had = { connections: 0 }
  const proxy = createServer((from) => {
    // Of three, so that no order in which a server connects meets the same one each time.
    const to = connect(ports[had.connections++ % 3 === 0 ? 0 : 1] ?? 0, '127.0.0.1')
    for (const socket of [from, to]) socket.on('error', () => {})
    from.pipe(to).pipe(from)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy listens on no port')
  const stop = async () => {
    proxy.close()
    await Promise.all(clusters.map(({ stop }) => stop()))
  }
  const url = Object.assign(new URL(clusters[0]?.url ?? ''), { port: String(address.port) }).href
  return { clusters, had, url, stop }
}

it('a proxy that gives each connection another server is refused, by a command with three sessions', async () => {
  const { clusters, had, url, stop } = await spreadingProxy()
  const refused = [2, expect.stringContaining('a proxy spreads statements over 2 servers')]
  try {
    const env = { JOBS_DB_URL: url, JOBS_DATA_DIR: await newFolder('data'), PORT: '0', SINGLE_USER_API_KEY: 'key' }
    for (const [argv, most] of [
      // One more listens.
      [[], 7],
      [['migrate'], 3],
    ] as const) {
      had.connections = 0
      const ended = await runServer([...argv], env)
      expect([ended.code, ended.err]).toEqual(refused)
      expect(had.connections, argv.join(' ')).toBeLessThanOrEqual(most)
    }
    for (const { url } of clusters) {
      const sql = postgres(url, { max: 1 })
      expect(await sql`select from pg_class where relnamespace = 'public'::regnamespace`).toHaveLength(0)
      await sql.end()
    }
    // Each of them has the tables, and a command without a server reads; its first change is refused.
    for (const { url } of clusters)
      expect(await runServer(['migrate'], { ...env, JOBS_DB_URL: url })).toMatchObject({ code: 0 })
    expect(await runJobsctl(['stats', '--db', url])).toMatchObject({ code: 0 })
    const enqueued = await runJobsctl(['enqueue', 'app/mail', '--job-type', 'send', '--db', url])
    expect([enqueued.code, enqueued.err]).toEqual(refused)
    for (const { url } of clusters) {
      const sql = postgres(url, { max: 1 })
      expect(await sql`select from jobs`).toHaveLength(0)
      await sql.end()
    }
  } finally {
    await stop()
  }
})

/** A proxy before the database that lets the second connection through after the third, or where none comes after a second. */
async function overtakingProxy(to: URL) {
  let connections = 0
  const third = new EventEmitter()
  const proxy = createServer(async (from) => {
    const nth = ++connections
    from.on('error', () => {})
    if (nth === 2) await once(third, 'answered', { signal: AbortSignal.timeout(1000) }).catch(() => {})
    const socket = connect(Number(to.port), to.hostname)
    socket.on('error', () => {})
    if (nth === 3) socket.once('data', () => third.emit('answered'))
    from.pipe(socket).pipe(from)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy listens on no port')
  return { port: String(address.port), stop: () => proxy.close() }
}

it('a role that gets two sessions begins, as far as the look for a proxy goes, in whatever order they are opened', async () => {
  const database = await emptyDatabase()
  databases.push(database)
  const url = new URL(database.env.JOBS_DB_URL ?? '')
  const admin = postgres(Object.assign(new URL(await postgresUrl()), { pathname: url.pathname }).href, { max: 1 })
  const role = `few_${Date.now()}`
  try {
    await admin.unsafe(`create role ${role} login connection limit 2; grant all on schema public to ${role}`)
    const proxy = await overtakingProxy(new URL(url))
    const late = Object.assign(url, { username: role, port: proxy.port }).href
    expect(await runServer(['migrate'], { ...database.env, JOBS_DB_URL: late })).toMatchObject({ code: 0, err: '' })
    proxy.stop()
  } finally {
    await admin.unsafe(`drop owned by ${role}; drop role ${role}`)
    await admin.end()
  }
})

it.each(cases)('%s is refused before a table is made, with what is missing', async (_name, statements, error) => {
  const database = await emptyDatabase()
  databases.push(database)
  const url = Object.assign(new URL(await postgresUrl()), {
    pathname: new URL(database.env.JOBS_DB_URL ?? '').pathname,
  })
  const sql = postgres(url.href, { max: 1, onnotice: () => {} })
  const tables = async () =>
    (await sql`select relname from pg_class where relnamespace = 'public'::regnamespace`).length
  try {
    await sql`set allow_system_table_mods = on`
    await sql.unsafe(statements)
    const before = await tables()
    for (const argv of [[], ['migrate']]) {
      const ended = await runServer(argv, { ...database.env, PORT: '0', SINGLE_USER_API_KEY: 'key' })
      expect(ended).toMatchObject({ code: 2, err: expect.stringContaining(`error: ${error}`) })
      expect(ended.err).toMatch(/nothing was made\n {2}hint: jobs-server needs a PostgreSQL of its own/)
    }
    expect(await tables()).toBe(before)
  } finally {
    await sql.end()
  }
})
