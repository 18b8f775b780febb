import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { emptyDatabase, newFolder } from '../../support/database/database.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const incident = [
  { status: 'failed', count: 130 },
  { status: 'processing', count: 30 },
  { status: 'queued', count: 240 },
]

describe.each(['embedded', 'postgres'] as const)('jobs-server demo on %s', (kind) => {
  it('fills an empty database once, and says what to try', async () => {
    const folder = await newFolder('demo')
    const url = kind === 'postgres' ? (await emptyDatabase()).env.JOBS_DB_URL : undefined
    const env = { JOBS_DATA_DIR: folder, ...(url !== undefined && { JOBS_DB_URL: url }) }
    const made = await runServer(['demo'], env)
    expect(made).toMatchObject({ code: 0, err: '', out: expect.stringContaining('jobsctl explain orders/mail') })
    expect(await runServer(['demo'], env)).toMatchObject({
      ...{ code: 6, out: '' },
      err: expect.stringContaining('the database has jobs; nothing was changed'),
    })
    const server = await startServer({ ...env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
    try {
      const [jobs] =
        await server.sql`select count(*)::int as all, count(*) filter (where domain = 'orders')::int as orders from jobs`
      expect(jobs).toEqual({ all: 4400, orders: 400 })
      expect(
        await server.sql`select status, count(*)::int from jobs where domain = 'orders' group by status order by status`,
      ).toEqual(incident)
    } finally {
      await server.stop()
    }
  }, 360_000)
})

it('goes through the server that has the embedded database open', async () => {
  const env = { JOBS_DATA_DIR: await newFolder('demo') }
  const server = await startServer({ ...env, SINGLE_USER_API_KEY: 'key' })
  await server.prepared
  try {
    const made = await runServer(['demo'], env)
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(made.out).toContain('The server runs already; find out why:\n\n  export JOBSCTL_API_KEY_FILE=')
    expect(await runServer(['demo'], env)).toMatchObject({
      ...{ code: 6, out: '' },
      err: expect.stringContaining('the database has jobs; nothing was changed'),
    })
    const odd = await server.sql`
      select uuid from jobs
      where started_at < created_at or completed_at < started_at or acquired_at > now() or updated_at < created_at
        or updated_at > now() or (status = 'processing' and started_at < now() - interval '12 hours')`
    expect(odd).toEqual([])
    const [jobs] = await server.sql`select count(*)::int as all from jobs`
    expect(jobs).toEqual({ all: 4400 })
  } finally {
    await server.stop()
  }
})

it.each([
  [{ JOBS_DATA_DIR: 'a b/c' }, "export JOBSCTL_API_KEY_FILE='a b/c/api-key'"],
  [{ SINGLE_USER_API_KEY: 'key' }, 'export JOBSCTL_API_KEY="$SINGLE_USER_API_KEY"'],
  [{ AUTH_MODE: 'multi_user' }, 'export JOBSCTL_TOKEN="$(jobs-server token create demo --role admin)"'],
  [{ PORT: '8788' }, 'export JOBSCTL_URL=http://127.0.0.1:8788'],
  [{ PORT: '8788', HOST: '::' }, 'export JOBSCTL_URL=http://127.0.0.1:8788'],
  [{ HOST: '::1' }, "export JOBSCTL_URL='http://[::1]:8787'"],
  [{ PORT: '0' }, 'export JOBSCTL_URL=...  # the URL that jobs-server prints'],
])('with %j the commands to try reach the server that it starts', async (settings, line) => {
  const { env } = await emptyDatabase()
  const { out } = await runServer(['demo'], { ...env, JOBS_DATA_DIR: 'data', ...settings })
  expect(out.split('\n')).toContain(`  ${line}`)
})

it('a database of another program is refused before its schema is touched', async () => {
  const url = (await emptyDatabase()).env.JOBS_DB_URL ?? ''
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await sql`create table jobs (id bigint primary key, domain text, queue text, job_type text, status text)`
    await sql`insert into jobs values (1, 'a', 'b', 'c', 'queued')`
    const env = { JOBS_DATA_DIR: await newFolder('demo'), JOBS_DB_URL: url }
    expect(await runServer(['demo'], env)).toMatchObject({
      code: 6,
      err: expect.stringContaining('nothing was changed'),
    })
    const tables = await sql`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`
    expect(tables.map(({ relname }) => relname)).toEqual(['jobs'])
    expect(await sql`select * from jobs`).toHaveLength(1)
  } finally {
    await sql.end()
  }
})
