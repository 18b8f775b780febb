import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres, type ThrowawayPostgres } from '../../../scripts/launch/postgres.ts'
import type { Running } from '../../../server/start.ts'
import { newFolder } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { countsOf, expectRight } from '../../support/observe/counts.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'

const key = 'key-of-the-tests'

/** Of the version of the server, or later. */
const pgDump = await promisify(execFile)('pg_dump', ['--version']).then(
  ({ stdout }) => Number(/\d+/.exec(stdout)?.[0]),
  () => 0,
)

describe('the counts behind stats', () => {
  let database: ThrowawayPostgres
  let version = 0
  const running: Running[] = []
  beforeAll(async () => {
    database = await startPostgres()
    const sql = postgres(database.url, { max: 1 })
    const [row] = await sql<[{ version: number }]>`select current_setting('server_version_num')::int / 10000 as version`
    version = row.version
    await sql.end()
  })
  afterAll(async () => {
    await Promise.all(running.map((server) => server.stop()))
    await database?.stop()
  })

  async function open(url: string) {
    const server = await startServer({
      JOBS_DB_URL: url,
      SINGLE_USER_API_KEY: key,
      JOBS_DATA_DIR: await newFolder('data'),
    })
    running.push(server)
    await server.prepared
    const send = (method: string, path: string) =>
      call({ url: server.url, method, path, headers: { 'x-api-key': key } })
    const world = { call: send, sql: server.sql }
    await until('the counts are kept', async () => (await countsOf(world)).kept)
    return world
  }

  const write = (sql: Running['sql'], nth: number) =>
    sql.begin(async (tx) => {
      await tx`
        insert into jobs (domain, queue, job_type, status, available_at)
        select 'd' || n % 3, 'q', 't', 'queued', case when n % 2 = 0 then now() + interval '3 days' end
        from generate_series(1, 20) n`
      await tx`update jobs set status = 'processing' where status = 'queued' and id % 5 = ${nth % 5}`
    })

  it('are right after PostgreSQL was killed while many were writing', async () => {
    const world = await open(database.url)
    let writing = true
    let written = 0
    const writers = Array.from({ length: 4 }, async (_, at) => {
      for (let nth = at; writing; nth++)
        await write(world.sql, nth).then(
          () => (written += 1),
          () => {},
        )
    })
    await until('there is something to lose', () => written > 50)
    await database.crash()
    writing = false
    await Promise.all(writers)
    await database.resume()
    await until('the server has it again', async () => (await world.call('GET', '/readyz')).status === 200)

    expect(await countsOf(world)).toMatchObject({ kept: true, wrong: 0 })
    await expectRight(world)
  })

  it.skipIf(pgDump === 0)('are right in a database that was restored from a dump', async () => {
    if (pgDump < version) return
    const world = await open(database.url)
    await write(world.sql, 1)
    const copy = Object.assign(new URL(database.url), { pathname: '/copy' }).href
    await world.sql`create database copy`
    await promisify(execFile)('sh', [
      '-c',
      'pg_dump "$0" | psql -q -v ON_ERROR_STOP=1 "$1" >/dev/null',
      database.url,
      copy,
    ])

    const restored = await open(copy)

    await expectRight(restored)
    expect(await countsOf(restored)).toMatchObject({ kept: true, wrong: 0, mended: null })
    await write(restored.sql, 2)
    await expectRight(restored)
  })

  it.skipIf(pgDump === 0)(
    'are right in a database that counts, and into which the rows of another are loaded',
    async () => {
      if (pgDump < version) return
      const world = await open(database.url)
      await write(world.sql, 1)
      await until('they are added up', async () => (await world.sql`select from jobsctl_count_deltas`).length === 0)
      await world.sql`create database filled`
      const url = Object.assign(new URL(database.url), { pathname: '/filled' }).href
      const filled = await open(url)
      // What is there already, such as the migrations, is refused, and the rest is loaded.
      await promisify(execFile)('sh', ['-c', 'pg_dump --data-only "$0" | psql -q "$1" >/dev/null', database.url, url])

      await expectRight(filled)
      await until('the counts are kept', async () => (await countsOf(filled)).kept)
      await expectRight(filled)
    },
  )
})
