import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { besideEachGraphile, type Graphile, type GraphileDatabase, openGraphileDatabase } from '../support/graphile.ts'

besideEachGraphile('look', (version) => {
  let database: GraphileDatabase
  let graphile: Graphile
  beforeAll(async () => {
    database = await openGraphileDatabase(version)
    graphile = await database.start()
    const later = new Date(Date.now() + 86_400_000).toISOString()
    const ended = { maxAttempts: 1, queueName: 'mail' }
    await graphile.add(Array.from({ length: 20 }, () => ({ does: 'fail', spec: ended })))
    await graphile.add([{ does: 'fail', spec: { maxAttempts: 1 } }, {}, {}])
    await graphile.work(5)
    await database.untilIdle()
    await graphile.add(Array.from({ length: 7 }, () => ({ spec: { runAt: later } })))
    await graphile.add([{ does: 'hold' }, { does: 'hold', spec: { queueName: 'mail' } }])
    await until('two jobs run', async () => {
      const running = await database.sql`select from graphile_worker._private_jobs where locked_at is not null`
      return running.length === 2
    })
  })
  afterAll(() => database?.close())

  it('counts as group by does, and makes and changes nothing', async () => {
    const { sql } = database
    const catalog = () => sql`
      select nspname::text, relname::text, relkind::text, relacl::text, reloptions, relchecks, reltriggers.count as triggers
      from pg_class
      join pg_namespace on pg_namespace.oid = relnamespace
      cross join lateral (select count(*)::int from pg_trigger where tgrelid = pg_class.oid) as reltriggers
      where nspname !~ '^pg_' and nspname <> 'information_schema' order by nspname, relname`
    const before = { catalog: await catalog(), rows: await database.rows() }
    const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
    const jobsctl = (...argv: string[]) =>
      runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
    const counted = await sql`
      select
        coalesce(queue_name, '_') as queue,
        count(*) filter (where job.locked_at is not null)::int as processing,
        count(*) filter (where job.locked_at is null and attempts < max_attempts and run_at > now())::int as scheduled,
        count(*) filter (where job.locked_at is null and attempts >= max_attempts)::int as failed
      from graphile_worker._private_jobs as job
      left join graphile_worker._private_job_queues as queue on queue.id = job_queue_id
      group by 1 order by 1`
    expect(counted).toMatchObject([
      { queue: '_', processing: 1, scheduled: 7, failed: 1 },
      { queue: 'mail', processing: 1, scheduled: 0, failed: 20 },
    ])
    expect(JSON.parse((await jobsctl('stats', '--json')).out)).toMatchObject([...counted])
    expect(await jobsctl('clusters')).toMatchObject({ code: 0, out: expect.stringContaining('no answer from') })
    expect((await jobsctl('workers')).code).toBe(0)
    expect((await jobsctl('retry', '--domain', 'graphile_worker', '--yes')).code).not.toBe(0)
    await server.stop()
    expect({ catalog: await catalog(), rows: await database.rows() }).toEqual(before)
  })

  it('ends with exit 2 and the way out for a role that row-level security hides the jobs from', async () => {
    const { sql, env } = database
    const role = `granted_${process.pid}`
    await sql.unsafe(`create role ${role} login; grant usage on schema graphile_worker to ${role};
      grant select on all tables in schema graphile_worker to ${role}`)
    try {
      const url = Object.assign(new URL(env.JOBS_DB_URL ?? ''), { username: role }).href
      const { code, err } = await runServer([], { ...env, JOBS_DB_URL: url, PORT: '0' })
      expect(code).toBe(2)
      expect(err).toContain(
        `row-level security hides the jobs of graphile-worker in graphile_worker from the role ${role}`,
      )
      expect(err).toContain(`alter role ${role} bypassrls`)
    } finally {
      await sql.unsafe(`drop owned by ${role}; drop role ${role}`)
    }
  })
})
