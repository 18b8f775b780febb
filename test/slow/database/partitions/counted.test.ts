import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { inPartitions } from '../../../support/database/partitions.ts'
import { countByHand, countsOf, expectRight, groupsOf } from '../../../support/observe/counts.ts'
import { until } from '../../../support/poll.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../../support/world.ts'

/** How jobs is made a table with partitions: its key, and the partitions of it. */
const layouts = {
  'range of created_at': [
    'range (created_at)',
    `create table jobs_old partition of jobs for values from (minvalue) to ('2026-01-01');
     create table jobs_new partition of jobs for values from ('2026-01-01') to (maxvalue);`,
  ],
  'list of domain': [
    'list (domain)',
    `create table jobs_old partition of jobs for values in ('chatbooks');
     create table jobs_new partition of jobs default;`,
  ],
  'hash of id, and range below': [
    'hash (id)',
    `create table jobs_old partition of jobs for values with (modulus 2, remainder 0);
     create table jobs_new partition of jobs for values with (modulus 2, remainder 1) partition by range (created_at);
     create table jobs_newer partition of jobs_new default;`,
  ],
} as const

/** Waits until stats use the counts of the triggers. */
const untilKept = (world: World) => until('the counts are kept', async () => (await countsOf(world)).kept)

/** Stats are those of the counts, which were not wrong, and of the rows. */
async function expectExact(world: World): Promise<void> {
  await expectRight(world)
  expect(await countsOf(world)).toMatchObject({ kept: true, wrong: 0 })
}

describe.each(Object.entries(layouts))('counts of jobs with partitions by %s', (_key, layout) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', {}, inPartitions(layout))
    await untilKept(world)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.sql`delete from jobs`
  })

  const insert = (table = 'jobs', domain = 'chatbooks', n = 40) =>
    world.sql.unsafe(`
      insert into ${table} (domain, queue, job_type, payload, status, created_at, available_at)
      select '${domain}', 'q' || i % 3, 't', '{}', (array['queued', 'queued', 'processing', 'quarantined', 'completed'])[1 + i % 5],
        case when i % 2 = 0 then timestamptz '2025-06-01' else '2026-06-01' end, now() + interval '1 day' * (i % 4 - 1)
      from generate_series(1, ${n}) as i`)

  it('are exact after statements that name the table, a partition, or every row of one', async () => {
    await insert()
    await insert('jobs', 'media')
    await expectExact(world)
    await world.sql`update jobs set status = 'processing' where status = 'queued' and queue = 'q1'`
    await world.sql`update jobs_old set status = 'quarantined' where status = 'processing'`
    await world.sql`update jobs set available_at = now() + interval '3 hours' where status = 'queued' and queue = 'q0'`
    await expectExact(world)
    await world.sql`delete from jobs where status in ('queued', 'completed') and queue = 'q2'`
    await world.sql`delete from jobs_old where status = 'quarantined'`
    await expectExact(world)
    expect((await groupsOf(world)).length).toBeGreaterThan(3)
  })

  it.each([40, 4000])('tell jobs that are due within a minute from those that are due, among %s', async (n) => {
    await insert('jobs', 'chatbooks', n)
    await world.sql`update jobs set available_at = now() + interval '55 seconds' where status = 'queued' and id % 2 = 0`
    await untilKept(world)
    await expectExact(world)
    const groups = await groupsOf(world)
    expect(groups.map(({ queued }) => queued > 0)).toContain(true)
    expect(groups.reduce((sum, { scheduled }) => sum + scheduled, 0)).toBeGreaterThan(n / 5)
  })

  it('are exact after an update that moves jobs to another partition', async () => {
    await insert()
    await world.sql`
      update jobs set domain = case domain when 'chatbooks' then 'media' else 'chatbooks' end, id = id + 100001, created_at = created_at + interval '1 year'
      where status in ('queued', 'processing')`
    await expectExact(world)
  })

  it('are not used after a truncate of a partition until they are compared again', async () => {
    await insert()
    await world.sql`truncate jobs_old`
    await expectRight(world)
    await untilKept(world)
    await expectExact(world)
    await world.sql`truncate jobs`
    await expectRight(world)
    await untilKept(world)
  })

  it('are those of the rows from the moment on in which a partition is detached or attached beside writers', async () => {
    await insert()
    for (const change of [detachOf, boundOf]) {
      const statement = await change(world)
      await world.sql.unsafe(`alter table jobs ${statement}`)
      await expectRight(world)
      // By the name of the partition itself. Its rows count as jobs only while it is attached.
      await world.sql`update jobs_old set status = 'queued' where status = 'processing'`
      await world.sql`delete from jobs_old where status = 'quarantined'`
      await expectRight(world)
      await untilKept(world)
      await expectExact(world)
    }
  })
})

const keyOf = async ({ sql }: World): Promise<string> => {
  const [{ key }] = await sql<[{ key: string }]>`select pg_get_partkeydef('jobs'::regclass) as key`
  return key
}

/** Where there is no default partition, PostgreSQL detaches one beside readers and writers, in two transactions. */
const detachOf = async (world: World): Promise<string> =>
  `detach partition jobs_old${(await keyOf(world)).startsWith('RANGE') ? ' concurrently' : ''}`

/** The statement that attaches the partition again. */
async function boundOf(world: World): Promise<string> {
  const key = await keyOf(world)
  if (key.startsWith('RANGE')) return `attach partition jobs_old for values from (minvalue) to ('2026-01-01')`
  if (key.startsWith('LIST')) return `attach partition jobs_old for values in ('chatbooks')`
  return 'attach partition jobs_old for values with (modulus 2, remainder 0)'
}

describe('counts of jobs with partitions beside writers', () => {
  it('are never wrong where they are used, whatever is attached and detached meanwhile', async () => {
    const world = await openWorld('postgres', {}, inPartitions(layouts['list of domain']))
    const sql = postgres(world.env.JOBS_DB_URL ?? '', { max: 5, onnotice: () => {} })
    const stop = new AbortController()
    try {
      await untilKept(world)
      const statements = (n: number) => [
        `insert into jobs (domain, queue, job_type, payload, status) select (array['chatbooks', 'media', 'mail'])[1 + i % 3], 'q' || ${n}, 't', '{}', 'queued' from generate_series(1, 9) as i`,
        `update jobs set status = case status when 'queued' then 'processing' else 'queued' end where queue = 'q${n}'`,
        `update jobs set domain = case domain when 'mail' then 'media' else 'mail' end where queue = 'q${n}' and domain <> 'chatbooks' and id % 3 = 0`,
        `delete from jobs where queue = 'q${n}' and id % 5 = 0`,
        `insert into jobs_new (domain, queue, job_type, payload, status) values ('media', 'q${n}', 't', '{}', 'quarantined')`,
        `delete from jobs_new where queue = 'q${n}' and status = 'quarantined'`,
      ]
      let written = 0
      const writers = [1, 2, 3].map(async (n) => {
        while (!stop.signal.aborted)
          // No partition takes a job of chatbooks while jobs_old is detached.
          for (const statement of statements(n))
            await sql.unsafe(statement).then(
              () => written++,
              (error: Error) => expect(error.message).toContain('deadlock detected'),
            )
      })
      let compared = 0
      const look = async () => {
        const { kept, wrong } = await countsOf(world)
        expect(wrong).toBe(0)
        if (kept) compared += 1
        return kept
      }
      for (const [statement, domain] of [
        ['alter table jobs detach partition jobs_old'],
        ["create table jobs_mail partition of jobs for values in ('mail')", 'mail'],
        ["alter table jobs attach partition jobs_old for values in ('chatbooks')", 'chatbooks'],
        ['truncate jobs_old'],
      ] as const) {
        const before = written
        await sql.begin(async (tx) => {
          await tx`lock table jobs in access exclusive mode`
          // The default partition may have no job of the new one.
          if (domain) await tx`delete from jobs where domain = ${domain}`
          await tx.unsafe(statement)
        })
        await until('the counts are kept again', look)
        await until('jobs are written', () => written > before + 20)
        await until('the counts are kept meanwhile', look)
      }
      stop.abort()
      await Promise.all(writers)
      await expectExact(world)
      expect(compared).toBeGreaterThan(7)
    } finally {
      stop.abort()
      await sql.end()
      await world.stop()
    }
  })
})

describe('counts of jobs with partitions of which one comes and goes', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(
      'postgres',
      {},
      inPartitions([
        'range (created_at)',
        "create table jobs_old partition of jobs for values from (minvalue) to ('2026-01-01');",
      ]),
    )
    await world.sql.unsafe(insert('jobs', 10, '2025-06-01'))
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await untilKept(world)
    await world.sql`create table jobs_new (like jobs including defaults including constraints)`
  })
  // All jobs are of one group.
  const insert = (table: string, n = 5, made = '2026-06-01') => `
    insert into ${table} (domain, queue, job_type, payload, status, created_at)
    select 'mail', 'q', 't', '{}', 'queued', '${made}' from generate_series(1, ${n})`
  const attach = `alter table jobs attach partition jobs_new for values from ('2026-01-01') to (maxvalue)`
  const drop = ['alter table jobs detach partition jobs_new', 'drop table jobs_new']

  it.each([
    ['written', insert('jobs')],
    ['changed', "update jobs set status = 'processing' where created_at > '2026-01-01'"],
    ['deleted', "delete from jobs where created_at > '2026-01-01'"],
  ])('are those of the rows where jobs of it were %s meanwhile', async (_what, statement) => {
    // Each in a transaction of its own.
    for (const one of [insert('jobs_new'), attach, statement, ...drop]) await world.sql.unsafe(one)
    await expectRight(world)
    await untilKept(world)
    await expectExact(world)
  })

  it('are not called wrong, and are those of the rows, where a comparison has waited for it', async () => {
    const other = postgres(world.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    onTestFinished(() => other.end())
    let looking: ReturnType<typeof countsOf> | undefined
    await other.begin(async (tx) => {
      await tx`lock table jobs in access exclusive mode`
      looking = countsOf(world)
      await until('the comparison waits', async () => {
        const rows = await world.sql`
          select from pg_locks
          join pg_stat_activity using (pid)
          where relation = to_regclass('jobs') and not granted and mode = 'AccessShareLock'
            and query like '%actual as (%'`
        return rows.length > 0
      })
      await tx.unsafe(`${insert('jobs_new')}; ${attach}`)
    })
    expect(await looking).toMatchObject({ wrong: 0 })
    for (const one of drop) await world.sql.unsafe(one)
    await expectRight(world)
  })
})

describe('counts of jobs with partitions by what changes', () => {
  it('are of the rows, and doctor says why', async () => {
    const world = await openWorld(
      'postgres',
      {},
      inPartitions([
        'list (status)',
        `create table jobs_live partition of jobs for values in ('queued', 'processing', 'quarantined');
         create table jobs_ended partition of jobs default;`,
      ]),
    )
    try {
      await world.jobs(5, { status: 'queued' })
      await world.sql`update jobs set status = 'failed', completed_at = now() where id in (select id from jobs limit 2)`
      expect(await groupsOf(world)).toEqual(await countByHand(world.sql))
      const found = await countsOf(world)
      expect(found).toMatchObject({ kept: false, wrong: 0 })
      expect(found.why).toContain('LIST (status)')
      const unique = await runServer(['indexes', 'build', 'idx_jobs_idempotent_unique'], world.env)
      expect(unique).toMatchObject({ code: 2, err: expect.stringContaining('jobs has partitions') })
      const { out } = await world.jobsctl(['doctor'])
      expect(out).toMatch(
        /counts\twarning\tstats count the rows of jobs at each call: jobs has partitions by LIST \(status\)/,
      )
    } finally {
      await world.stop()
    }
  })
})
