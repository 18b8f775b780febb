import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { expect, it } from 'vitest'
import { holding } from '../../support/changes/bulk-tools.ts'
import { emptyDatabase } from '../../support/database/database.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { postgresUrl } from '../../support/run/shared.ts'

/** The URL of a database, whose name is percent-encoded. */
const urlOf = async (name: string, user?: string) => {
  const url = Object.assign(new URL(await postgresUrl()), { pathname: `/${encodeURIComponent(name)}` })
  if (user !== undefined) url.username = user
  return url.href
}

const expectMigrated = async (env: Record<string, string>) =>
  expect(await runServer(['migrate'], env)).toMatchObject({ code: 0, err: '' })

/** Runs a test on a database in which `migrate` has made the tables. */
const onMigrated = (test: (sql: postgres.Sql, env: Record<string, string>) => Promise<void>) => async () => {
  const { env, drop } = await emptyDatabase()
  const sql = postgres(env.JOBS_DB_URL ?? '', { max: 2, onnotice: () => {} })
  try {
    await expectMigrated(env)
    await test(sql, env)
  } finally {
    await sql.end()
    await drop()
  }
}

it('a database is found by its name, percent-encoded', async () => {
  const name = `odd %41 ä/${randomUUID()}`
  const sql = postgres(await postgresUrl(), { max: 1, onnotice: () => {} })
  try {
    await sql`create database ${sql(name)}`
    const [made, listed] = [
      await runServer(['migrate'], { JOBS_DB_URL: await urlOf(name) }),
      await runServer(['schema'], { JOBS_DB_URL: await urlOf(name) }),
    ]
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(listed).toMatchObject({ code: 0, out: expect.stringContaining('table\t\tjobs\tthere\tjobs-server\t') })
    expect(listed.out).not.toContain('\tmissing\t')
  } finally {
    await sql`drop database if exists ${sql(name)} with (force)`
    await sql.end()
  }
})

it('migrate makes the triggers in a schema that is not in the search path', async () => {
  const [name, schema] = [`t_${randomUUID()}`, 'Odd "Schema 50%s $$']
  const sql = postgres(await postgresUrl(), { max: 1, onnotice: () => {} })
  await sql`create database ${sql(name)}`
  const inside = postgres(await urlOf(name), { max: 1, onnotice: () => {}, database: name })
  try {
    await inside`create schema ${inside(schema)}`
    const env = { JOBS_DB_URL: await urlOf(name), JOBS_DB_SCHEMA: schema }
    expect(await runServer(['migrate'], env)).toMatchObject({ code: 0, err: '' })
    const triggers = await inside`
      select from pg_trigger
      join pg_class on pg_class.oid = tgrelid
      join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = ${schema} and relname = 'jobs' and tgname like 'jobsctl_count_%'`
    expect(triggers).toHaveLength(4)
    expect(await runServer(['migrate', '--dry-run'], env)).toMatchObject({ code: 0, out: '' })
  } finally {
    await inside.end()
    await sql`drop database if exists ${sql(name)} with (force)`
    await sql.end()
  }
})

it('a command says why the database refuses it, or why it cannot be reached', async () => {
  const [noDatabase, noRole, nowhere] = await Promise.all([
    runServer(['token', 'list'], { JOBS_DB_URL: await urlOf('no such') }),
    runServer(['schema'], { JOBS_DB_URL: await urlOf('postgres', 'nobody') }),
    runServer(['uninstall'], { JOBS_DB_URL: 'postgres://a:secret@127.0.0.1:1/jobs' }),
  ])
  expect(noDatabase).toMatchObject({
    code: 7,
    err: expect.stringMatching(
      /refused this call: database "no such" does not exist; nothing was changed\n {2}hint: JOBS_DB_URL/,
    ),
  })
  expect(noRole).toMatchObject({
    code: 7,
    err: expect.stringMatching(/refused this call: .*"nobody".*; nothing was changed\n/),
  })
  expect(nowhere).toMatchObject({
    code: 7,
    err: expect.stringContaining('connection refused (ECONNREFUSED): 127.0.0.1:1; nothing'),
  })
  expect(nowhere.err).not.toContain('secret')
})

it(
  'migrate that fails at a lock says which migrations were made before it, and that they stay',
  onMigrated(async (sql, env) => {
    await sql`drop table jobsctl_event_cursors`
    await sql`alter table jobsctl_plans drop column within`
    const release = await holding(sql, (tx) => tx`lock table jobsctl_plans in access exclusive mode`)
    const stopped = await runServer(['migrate'], env)
    expect(stopped.code).not.toBe(0)
    expect(stopped.err).toContain('; what was made before stays: 0036_event_cursors.sql\n')
    expect(stopped.err).not.toContain('nothing was changed')
    expect(await sql`select from jobsctl_event_cursors`).toHaveLength(0)
    // With nothing left to do before the lock, nothing is changed.
    expect(await runServer(['migrate'], env)).toMatchObject({
      err: expect.stringContaining('; nothing was changed\n'),
    })
    await release()
    await expectMigrated(env)
  }),
)

it(
  'migrate that fails names the indexes that it has built, and nothing that was there or is left to the operator',
  onMigrated(async (sql, env) => {
    const failing = async (more: Record<string, string> = {}) => {
      const { code, err } = await runServer(['migrate'], { ...env, ...more })
      expect(code).not.toBe(0)
      return err
    }
    await sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload, idempotency_key)
      values (gen_random_uuid()::text, 'chatbooks', 'default', 'export', 'queued', '{}', 'same')`
    await sql`drop trigger jobsctl_history_insert on jobs`
    await sql`drop index jobsctl_live`
    const release = await holding(sql, (tx) => tx`lock table jobs in share row exclusive mode`)
    // The triggers of the counts are there, and the index is not built.
    expect(await failing({ JOBS_INDEXES: 'manual' })).toContain('; nothing was changed\n')
    await sql`drop index jobsctl_archive_ids`
    expect(await failing({ JOBS_INDEXES: 'manual' })).toContain(
      '; what was made before stays: the index jobsctl_archive_ids\n',
    )
    await release()
    // One index of a migration cannot be built; another one of it is.
    await sql`drop index idx_jobs_idempotent_unique`
    await sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload, idempotency_key)
      select gen_random_uuid()::text, domain, queue, job_type, status, payload, idempotency_key from jobs`
    expect(await failing()).toContain(
      'what was made before stays: the invalid index idx_jobs_idempotent_unique, the index jobsctl_live\n',
    )
    // Of more than three, the first and the last are named, and an invalid index wherever it is.
    await sql`drop trigger jobsctl_updated_at on jobs`
    for (const index of ['idx_jobs_idempotent_unique', 'jobsctl_live', 'jobsctl_archive_ids'])
      await sql.unsafe(`drop index if exists ${index}`)
    expect(await failing()).toMatch(
      /what was made before stays: 4 steps, 0001_tables.sql … the index jobsctl_archive_ids, the invalid index idx_jobs_idempotent_unique\n/,
    )
    await sql`delete from jobs`
    await expectMigrated(env)
  }),
)

it(
  'migrate whose role may not go on says what it has made',
  onMigrated(async (sql, env) => {
    const role = `half_${process.pid}`
    try {
      await sql`drop table jobsctl_event_cursors`
      await sql`alter table jobsctl_plans drop column within`
      // The role may not make it, and the migration that would goes on without it.
      await sql`drop trigger jobsctl_updated_at on jobs`
      await sql.unsafe(`
        create role ${role} login; grant create, usage on schema public to ${role};
        grant all on all tables in schema public to ${role}; alter table jobsctl_migrations owner to ${role}`)
      const JOBS_DB_URL = Object.assign(new URL(env.JOBS_DB_URL ?? ''), { username: role }).href
      const { code, err } = await runServer(['migrate'], { ...env, JOBS_DB_URL })
      expect({ code, err }).toMatchObject({
        code: 2,
        err: expect.stringMatching(
          /refuses this role: .*jobsctl_plans; what was made before stays: 0036_event_cursors\.sql\n/,
        ),
      })
    } finally {
      await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`).catch(() => {})
    }
  }),
)

it(
  'migrate makes the trigger that sets updated_at beside triggers that only read it',
  onMigrated(async (sql, env) => {
    // The history has a trigger that reads it; another program may have one that writes a log.
    await sql`drop trigger jobsctl_updated_at on jobs`
    await sql`create function noted() returns trigger language plpgsql as 'begin perform new.updated_at; return null; end'`
    await sql`create trigger noted after update on jobs for each row execute function noted()`
    expect((await runServer(['schema'], env)).out).toMatch(/^trigger\tjobs\tjobsctl_updated_at\tmissing\t/m)
    await expectMigrated(env)
    await sql`
      insert into jobs (uuid, domain, queue, job_type, status, payload, updated_at)
      values (gen_random_uuid()::text, 'chatbooks', 'default', 'export', 'queued', '{}', '2020-01-01Z')`
    const [updated] = await sql`update jobs set priority = 2 returning updated_at > '2026-01-01Z' as renewed`
    expect(updated).toEqual({ renewed: true })
  }),
)

it(
  'migrate that makes a missing function again gives each function of the triggers the settings that it had',
  onMigrated(async (sql, env) => {
    const settings = () => sql`
      select proname as name, proconfig as settings from pg_proc where proname ~ '^jobsctl_(count|history)_' order by proname`
    const before = [...(await settings())]
    expect(before.length).toBeGreaterThan(4)
    for (const name of ['count_insert', 'count_delete', 'history_update']) {
      await sql.unsafe(`drop function jobsctl_${name}() cascade`)
      await expectMigrated(env)
      expect([...(await settings())]).toEqual(before)
    }
    expect(before.find(({ name }) => name === 'jobsctl_count_insert')?.settings).toContain('jit=off')
  }),
)

it('a word that is no command is named, with the commands', async () => {
  expect(await runServer(['tokn', 'list'])).toMatchObject({
    ...{ code: 2, out: '' },
    err: expect.stringMatching(
      /^error: unknown command 'tokn'\n {2}hint: the commands are demo, token, .*, uninstall; without one/,
    ),
  })
  expect(await runServer(['schema', 'x'])).toMatchObject({
    code: 2,
    err: expect.stringContaining("arguments for 'schema'"),
  })
})
