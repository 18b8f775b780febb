import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogueOf } from '../../support/database/catalogue.ts'
import { emptyDatabase, newDatabase, newFolder } from '../../support/database/database.ts'
import { type DirectDatabase, enqueue, openDirectDatabase } from '../../support/programs/direct.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { openWorld } from '../../support/world.ts'

let direct: DirectDatabase
beforeAll(async () => {
  direct = await openDirectDatabase(newDatabase('postgres'))
})
afterAll(() => direct.drop())

describe('a command without a server', () => {
  it('prints what it prints with one', async () => {
    const database = newDatabase('postgres')
    const world = await openWorld('postgres', {}, database)
    try {
      await world.jobs(3, { status: 'failed', error_message: 'no route' })
      const { env } = await database
      for (const argv of [
        ['stats'],
        ['stats', '--json'],
        ['list', '--ids'],
        ['clusters'],
        ['queues'],
        ['show', '99999'],
      ]) {
        const [beside, without] = await Promise.all([
          world.jobsctl(argv),
          runJobsctl([...argv, '--db', env.JOBS_DB_URL ?? '']),
        ])
        expect([argv, without.code, without.out]).toEqual([argv, beside.code, beside.out])
      }
    } finally {
      await world.stop()
    }
  })

  it('changes jobs on record, and gives them back', async () => {
    const { sql, jobsctl } = direct
    await enqueue(direct, 3)
    const refused = await jobsctl(['cancel', '--all'])
    expect(refused).toMatchObject({ code: 3, out: '' })
    expect(await jobsctl(['cancel', '--all', '--yes', '--reason', 'a test'])).toMatchObject({ code: 0 })
    const [record] = await sql`
      select id::int, caller, kind, affected::int, reason from job_operations where kind = 'cancel' order by id desc limit 1`
    expect(record).toMatchObject({
      caller: `db:${(await sql`select current_user as role`)[0]?.role}`,
      reason: 'a test',
    })
    expect(await jobsctl(['undo', String(record?.id), '--yes'])).toMatchObject({ code: 0 })
    expect(await sql`select status from jobs`).toEqual(Array(3).fill({ status: 'queued' }))
    await sql`delete from jobs`
  })

  it('only reads until a change begins', async () => {
    const { sql } = direct
    const role = `reads_${Date.now()}`
    await enqueue(direct, 1)
    const heard: string[] = []
    const { unlisten } = await sql.listen('transaction', (readOnly) => void heard.push(readOnly))
    try {
      await sql.unsafe(`
        create role ${role} login;
        grant all on all tables in schema public to ${role};
        grant all on all sequences in schema public to ${role};
        create function note_transaction() returns boolean language plpgsql as $$
        begin
          perform pg_notify('transaction', current_setting('transaction_read_only'));
          return true;
        end $$;
        alter table jobs enable row level security;
        create policy noted on jobs using (note_transaction())`)
      const url = Object.assign(new URL(direct.url), { username: role }).href
      const run = (argv: string[]) => runJobsctl([...argv, '--db', url])
      for (const argv of [['list'], ['stats'], ['cancel', '--all', '--dry-run'], ['integrity', '--all'], ['doctor']]) {
        const { code, err } = await run(argv)
        expect([argv, code, err]).toMatchObject([argv, 0, expect.anything()])
      }
      await sql`notify transaction, 'until here'`
      await expect.poll(() => heard).toContain('until here')
      expect(new Set(heard)).toEqual(new Set(['on', 'until here']))
      expect(await run(['cancel', '--all', '--yes'])).toMatchObject({ code: 0 })
      await expect.poll(() => heard).toContain('off')
    } finally {
      await unlisten()
      await sql.unsafe(`
        drop policy noted on jobs; alter table jobs disable row level security; drop function note_transaction();
        drop owned by ${role}; drop role ${role}; delete from jobs`)
    }
  })

  it('makes nothing in a database without tables, and says who does', async () => {
    const empty = await openDirectDatabase(emptyDatabase())
    try {
      const before = await catalogueOf(empty.sql)
      const { code, out, err } = await empty.jobsctl(['stats'])
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(
        'has no tables of jobs-server, and no jobs of an engine that this role may see; a command without a server makes nothing',
      )
      expect(err).toContain('jobs-server migrate')
      expect(await catalogueOf(empty.sql)).toEqual(before)
    } finally {
      await empty.drop()
    }
  })

  it('refuses the schema of an older version', async () => {
    const old = await openDirectDatabase(newDatabase('postgres'))
    try {
      await old.sql`delete from jobsctl_migrations where number = 57`
      const { code, err } = await old.jobsctl(['stats'])
      expect([code, err]).toEqual([2, expect.stringContaining('has not run 0057_server_address.sql')])
    } finally {
      await old.drop()
    }
  })
})

describe('the database', () => {
  const secret = 'S3cretW0rd'

  it('is named without a password, or in a variable', async () => {
    const url = Object.assign(new URL(direct.url), { password: secret }).href
    for (const db of [url, `host=h user=u password=${secret}`, `postgres://h/x?sslpassword=${secret}`]) {
      // A flag that is not taken, too, since hints repeat the flags of the command line.
      for (const more of [[], ['--nonsense'], ['--dry-run'], ['--max', 'x']]) {
        const { code, out, err } = await runJobsctl(['stats', '--db', db, ...more])
        expect([code, out, err.includes(secret)]).toEqual([2, '', false])
      }
    }
    expect(await runJobsctl(['stats', '--db', 'env:ORDERS'], { env: { ORDERS: url } })).toMatchObject({
      code: 0,
      err: '',
    })
    expect(await runJobsctl(['stats'], { env: { JOBSCTL_DB_URL: url } })).toMatchObject({ code: 0, err: '' })
    const unset = await runJobsctl(['stats', '--db', 'env:ORDERS'])
    expect([unset.code, unset.err]).toEqual([2, expect.stringContaining('the variable ORDERS is not set')])
  })

  it('is read as psql reads it: key words, a service, and an unknown parameter is refused', async () => {
    const { hostname, port, pathname, username } = new URL(direct.url)
    const parts = [`host=${hostname}`, `port=${port}`, `dbname=${pathname.slice(1)}`, `user=${username}`]
    expect(await direct.jobsctl(['stats'])).toMatchObject({ code: 0 })
    expect(await runJobsctl(['stats', '--db', parts.join(' ')])).toMatchObject({ code: 0, err: '' })
    const PGSERVICEFILE = join(await newFolder('service'), 'services')
    await writeFile(PGSERVICEFILE, `[orders]\n${parts.join('\n')}\n`)
    expect(await runJobsctl(['stats', '--db', 'service=orders'], { env: { PGSERVICEFILE } })).toMatchObject({
      code: 0,
      err: '',
    })
    const odd = await runJobsctl(['stats', '--db', `${direct.url}?application=x`])
    expect([odd.code, odd.err]).toEqual([2, expect.stringContaining('the parameter application, which')])
  })

  it.each([
    [['--url', 'http://127.0.0.1:1'], {}, '--url'],
    [['--profile', 'prod'], {}, '--profile'],
    [[], { JOBSCTL_URL: 'http://127.0.0.1:1' }, 'JOBSCTL_URL'],
    [[], { JOBSCTL_PROFILE: 'prod' }, 'JOBSCTL_PROFILE'],
    [['--api-key-file', '/dev/null'], {}, '--api-key-file'],
    [['--detach'], {}, '--detach'],
    [['--curl'], {}, '--curl'],
  ])('excludes %j %j', async (more, env, name) => {
    for (const given of [
      { argv: ['--db', direct.url], env: {} },
      { argv: [], env: { JOBSCTL_DB_URL: direct.url } },
    ]) {
      const { code, err } = await runJobsctl(['cancel', '--all', '--yes', ...given.argv, ...more], {
        env: { ...given.env, ...env },
      })
      expect([code, err]).toEqual([2, expect.stringContaining(name)])
    }
  })

  it('is never that of DATABASE_URL by itself, and the error says how it would be', async () => {
    for (const env of [{}, { JOBSCTL_API_KEY: 'x' }]) {
      const { code, err } = await runJobsctl(['stats', '--retries', '0'], { env: { ...env, DATABASE_URL: direct.url } })
      expect([4, 7]).toContain(code)
      expect(err).toContain('--db env:DATABASE_URL')
    }
  })

  it('may be that of a profile, which bounds and protects the changes', async () => {
    const folder = await newFolder('config')
    const file = join(folder, 'url')
    await writeFile(file, `${direct.url}\n`, { mode: 0o600 })
    const env = { XDG_CONFIG_HOME: folder, HOME: folder }
    const set = (name: string, value: string) => runJobsctl(['config', 'set', `profiles.${name}`, value], { env })
    expect(await set('a.db', direct.url)).toMatchObject({ code: 0 })
    expect(await set('b.db_file', file)).toMatchObject({ code: 0 })
    expect(await set('c.db_command', JSON.stringify(['cat', file]))).toMatchObject({ code: 0 })
    const withPath = { ...env, PATH: process.env.PATH }
    for (const name of ['a', 'b', 'c'])
      expect(await runJobsctl(['stats', '-p', name], { env: withPath })).toMatchObject({ code: 0, err: '' })
    expect(await set('a.url', 'http://127.0.0.1:1')).toMatchObject({
      out: expect.stringContaining('in place of profiles.a.db'),
    })
    expect(await set('b.protected', 'true')).toMatchObject({ code: 0 })
    const unbounded = await runJobsctl(['cancel', '--all', '--yes', '-p', 'b'], { env })
    expect([unbounded.code, unbounded.err]).toEqual([2, expect.stringContaining('protected')])
    await chmod(file, 0o644)
    const open = await runJobsctl(['stats', '-p', 'b'], { env })
    expect([open.code, open.err]).toEqual([2, expect.stringContaining('others can read')])
    expect(await set('d.db', `postgres://u:${secret}@h/x`)).toMatchObject({
      code: 2,
      err: expect.not.stringContaining(secret),
    })
  })

  it.each([
    ['the port', { port: '1' }, 7, 'cannot be reached'],
    ['the database', { pathname: '/nowhere' }, 5, '"nowhere" does not exist'],
    ['the role', { username: 'nobody_of_the_tests' }, 4, 'refuses the role'],
  ])('that cannot be opened gives one clear error: %s', async (_what, wrong, code, says) => {
    const url = Object.assign(new URL(direct.url), wrong).href
    const ended = await runJobsctl(['stats', '--db', url])
    expect([ended.code, ended.out, ended.err]).toEqual([code, '', expect.stringContaining(says)])
    expect(ended.err.split('\n').filter((line) => line.startsWith('error:'))).toHaveLength(1)
  })
})

describe('what the database holds', () => {
  it('holds here: a freeze', async () => {
    await enqueue(direct, 1)
    expect(await direct.jobsServer(['freeze', '--reason', 'a test'])).toMatchObject({ code: 0 })
    const { code, err } = await direct.jobsctl(['cancel', '--all', '--yes'])
    expect([code, err]).toEqual([6, expect.stringContaining('froze the database')])
    expect(await direct.jobsServer(['thaw'])).toMatchObject({ code: 0 })
    expect(await direct.jobsctl(['cancel', '--all', '--yes'])).toMatchObject({ code: 0 })
  })

  it('holds here: a hold', async () => {
    await direct.sql`update jobs set status = 'completed', completed_at = now() - interval '60 days'`
    const held = await direct.jobsctl(['hold', 'add', '--all', '--until', '2h', '--reason', 'a test'])
    expect(held).toMatchObject({ code: 0 })
    await direct.jobsctl(['prune', '--all', '--older-than', '30d', '--yes'])
    expect(await direct.sql`select status from jobs`).toHaveLength(1)
  })

  it('holds here: an approval, by another principal than the role', async () => {
    await direct.sql`delete from jobs`
    await enqueue(direct, 3)
    expect(await direct.jobsctl(['plans', 'above', '1', '--yes'])).toMatchObject({ code: 0 })
    const refused = await direct.jobsctl(['cancel', '--all', '--yes'])
    expect([refused.code, refused.err]).toEqual([3, expect.stringContaining('needs the approval of another principal')])
    const emergency = await direct.jobsctl(['cancel', '--all', '--yes', '--emergency', '--reason', 'now'])
    expect([emergency.code, emergency.err]).toEqual([4, expect.stringContaining('break_glass')])
    const plan = await direct.jobsctl(['cancel', '--all', '--propose', '--reason', 'a test'])
    const [{ id }] = await direct.sql<[{ id: number }]>`select id::int from jobsctl_plans order by id desc limit 1`
    expect([plan.code, plan.err]).toEqual([0, expect.anything()])
    const own = await direct.jobsctl(['approve', String(id), '--yes'])
    expect([own.code, own.err]).toEqual([4, expect.stringContaining('own')])
    expect(await direct.sql`select from jobs where status = 'queued'`).toHaveLength(3)
  })

  it('holds here: a policy is applied by a caller whose rights servers can look up', async () => {
    const file = join(await newFolder('policy'), 'policy.yaml')
    await writeFile(file, 'rules: {}\n')
    const { code, err } = await direct.jobsctl(['policy', 'apply', file, '--yes'])
    expect([code, err]).toEqual([4, expect.stringContaining('no server runs a policy of db:')])
  })

  it('holds here: changes belong to servers where some were seen, unless an admin has said otherwise', async () => {
    const other = await openDirectDatabase(newDatabase('postgres'))
    try {
      const seen = (age: string) => other.sql`
        insert into jobsctl_servers (name, address, settings, seen_at)
        values ('db1:42', 'https://jobs.example.com', '{}', now() - ${age}::interval)
        on conflict (name) do update set seen_at = excluded.seen_at`
      const change = () => other.jobsctl(['enqueue', 'app/mail', '--job-type', 'send'])
      await seen('20 hours')
      expect(await other.jobsctl(['stats'])).toMatchObject({ code: 0 })
      const { code, err } = await change()
      expect([code, err]).toEqual([
        6,
        expect.stringContaining('https://jobs.example.com (db1:42, seen 1200 minutes ago)'),
      ])
      expect(err).toContain('nothing was changed')
      expect(await other.jobsServer(['direct', 'on'])).toMatchObject({ code: 0 })
      expect(await change()).toMatchObject({ code: 0 })
      expect(await other.sql`select kind from job_operations where kind = 'database.direct_set'`).toHaveLength(1)
      expect(await other.jobsServer(['direct', 'off'])).toMatchObject({ code: 0 })
      expect(await change()).toMatchObject({ code: 6 })
      await seen('25 hours')
      expect(await change()).toMatchObject({ code: 0 })
    } finally {
      await other.drop()
    }
  })
})
