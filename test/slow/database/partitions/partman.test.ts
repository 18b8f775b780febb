import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startPostgres, type ThrowawayPostgres } from '../../../../scripts/launch/postgres.ts'
import { newFolder } from '../../../support/database/database.ts'
import { inPartitions } from '../../../support/database/partitions.ts'
import { countsOf, expectRight } from '../../../support/observe/counts.ts'
import { until } from '../../../support/poll.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

/** The folder of a PostgreSQL that has pg_partman, as Debian lays both out. */
const bin = [
  process.env.TEST_PARTMAN_PG_BIN ?? '',
  ...(existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : []).map(
    (version) => `/usr/lib/postgresql/${version}/bin`,
  ),
].find((folder) => {
  const share = join(folder, '../../../../share/postgresql', basename(dirname(folder)))
  return folder !== '' && existsSync(join(share, 'extension/pg_partman.control'))
})
if (bin === undefined) process.stderr.write('skipped: pg_partman is not installed\n')

describe.skipIf(bin === undefined)('jobs whose partitions are those of pg_partman', () => {
  let cluster: ThrowawayPostgres
  let world: World
  beforeAll(async () => {
    vi.stubEnv('TEST_PG_BIN', bin)
    cluster = await startPostgres()
    const env = { JOBS_DB_URL: cluster.url, JOBS_DATA_DIR: await newFolder('data') }
    const database = Promise.resolve({ env, drop: async () => {} })
    const partitioned = inPartitions(
      [
        'range (created_at)',
        `alter table jobs alter created_at set not null;
         create schema partman;
         create extension pg_partman schema partman;
         select partman.create_parent('public.jobs', 'created_at', '1 day', p_premake => 2, p_start_partition => (now() - interval '12 days')::text);`,
      ],
      database,
    )
    world = await openWorld('postgres', {}, partitioned)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await world?.stop()
    await cluster?.stop()
  })

  const untilKept = () => until('the counts are kept', async () => (await countsOf(world)).kept)
  const partitions = async () => (await world.sql`select from pg_inherits where inhparent = 'jobs'::regclass`).length

  /** Writes in all partitions until `stop` aborts. Returns how many statements were made, and how many deadlocks there were. */
  async function write(n: number, stop: AbortSignal) {
    const sql = postgres(cluster.url, { max: 1, onnotice: () => {} })
    const made = { written: 0, deadlocks: 0 }
    const statements = [
      `insert into jobs (domain, queue, job_type, payload, status, created_at)
       select 'chatbooks', 'q${n}', 't', '{}', 'queued', now() - interval '1 hour' * (i * 20) from generate_series(0, 14) as i`,
      `update jobs set status = case status when 'queued' then 'processing' else 'queued' end where queue = 'q${n}'`,
      `update jobs set status = 'failed', completed_at = now() where queue = 'q${n}' and id % 4 = 0`,
      `delete from jobs where queue = 'q${n}' and id % 3 = 0`,
    ]
    while (!stop.aborted)
      for (const statement of statements)
        await sql.unsafe(statement).then(
          () => {
            made.written += 1
          },
          (error: Error) => {
            // The page for users says so.
            expect(error.message).toContain('deadlock detected')
            made.deadlocks += 1
          },
        )
    await sql.end()
    return made
  }

  it('are counted exactly while its maintenance makes and drops partitions beside writers', async () => {
    await untilKept()
    const stop = new AbortController()
    const writers = [1, 2].map((n) => write(n, stop.signal))
    const maintenance = postgres(cluster.url, { max: 1, onnotice: () => {} })
    try {
      for (const [premake, retention] of [
        [4, '9 days'],
        [6, '7 days'],
        [8, '5 days'],
      ] as const) {
        const before =
          await maintenance`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'jobs'::regclass`
        await maintenance`
          update partman.part_config set premake = ${premake}, retention = ${retention}, retention_keep_table = false`
        await until('the maintenance runs without a deadlock', () =>
          maintenance`call partman.run_maintenance_proc()`.then(
            () => true,
            (error: Error) => {
              expect(error.message).toContain('deadlock detected')
              return undefined
            },
          ),
        )
        const after =
          await maintenance`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'jobs'::regclass`
        const names = new Set(after.map(({ name }) => name))
        expect(before.filter(({ name }) => !names.has(name)).length).toBeGreaterThan(0)
        expect(after.length).toBeGreaterThan(before.length - 3)
        for (const _ of [1, 2, 3]) expect((await countsOf(world)).wrong).toBe(0)
        await untilKept()
      }
    } finally {
      stop.abort()
      await maintenance.end()
    }
    const made = await Promise.all(writers)
    expect(Math.min(...made.map(({ written }) => written))).toBeGreaterThan(0)
    await expectRight(world)
    expect(await countsOf(world)).toMatchObject({ kept: true, wrong: 0 })
  })

  it('are given back by an undo into the default partition, where their own was dropped', async () => {
    await world.sql`delete from jobs`
    await world.jobs(5, { status: 'failed', created_at: new Date(Date.now() - 4 * 86_400_000).toISOString() })
    const [row] = await world.sql`select distinct tableoid::regclass::text as name from jobs`
    expect(row?.name).toMatch(/^jobs_p\d+/)
    const pruned = await world.confirm(paths.prune, { domain: 'chatbooks', statuses: ['failed'] })
    expect(pruned).toMatchObject({ status: 200, body: { deleted: 5 } })
    const before = await partitions()
    await world.sql`update partman.part_config set retention = '1 day'`
    await world.sql`call partman.run_maintenance_proc()`
    expect(await partitions()).toBeLessThan(before)
    const undone = await world.confirm(`/api/v1/jobs/operations/${Object(pruned.body).operation_id}/undo`, {})
    expect(undone).toMatchObject({ status: 200, body: { affected: 5 } })
    const rows = await world.sql`select tableoid::regclass::text as name, count(*)::int from jobs group by 1`
    expect(rows).toEqual([{ name: 'jobs_default', count: 5 }])
    await expectRight(world)
  })
})
