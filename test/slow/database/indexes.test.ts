import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isLeftToOperator } from '../../../server/database/migrate/left-indexes.ts'
import { buildIndex } from '../../../server/indexes/build-index.ts'
import { missingIndexes } from '../../../shared/endpoints.ts'
import { holding, otherProgram } from '../../support/changes/bulk-tools.ts'
import { emptyDatabase, newDatabase, type TestDatabase } from '../../support/database/database.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

const lost = ['jobsctl_created', 'jobsctl_failures', 'jobsctl_live']

/** A database with jobs, in which these indexes are missing, and which stays when its world stops. */
async function withoutIndexes(): Promise<TestDatabase> {
  const database = await newDatabase('postgres')
  const world = await openWorld('postgres', {}, Promise.resolve({ ...database, drop: async () => {} }))
  await world.jobs(20, { status: 'failed' })
  for (const name of lost) await world.sql.unsafe(`drop index ${name}`)
  await world.sql`drop index jobsctl_running_operations`
  await world.stop()
  return database
}

it('a large table and a table with partitions are left to the operator, and with manual every table with rows', () => {
  const of = (bytes: number, isPartitioned = false) =>
    (['auto', 'manual'] as const).map((mode) => isLeftToOperator(mode, { bytes, isPartitioned }))
  expect([of(0), of(8192), of(9_999_999_999), of(10_000_000_000), of(0, true)]).toEqual([
    [false, false],
    [false, true],
    [false, true],
    [true, true],
    [true, true],
  ])
})

describe('indexes that are left to the operator', () => {
  let world: World
  const indexes = (...words: string[]) => runServer(['indexes', ...words], world.env)
  const planned = async () => (await indexes('plan')).out.split('\n').flatMap((line) => line.split('\t')[0] || [])
  const isThere = async (name: string) =>
    (await world.sql`select from pg_index where indexrelid = to_regclass(${name}) and indisvalid`).length > 0
  beforeAll(async () => {
    world = await openWorld(
      'postgres',
      { JOBS_INDEXES: 'manual', JOBS_STATEMENT_TIMEOUT_SECONDS: '1' },
      withoutIndexes(),
    )
  })
  afterAll(() => world?.stop())

  it('are not built at the start: the server is ready, and says which ones they are', async () => {
    expect((await world.call('GET', '/readyz')).status).toBe(200)
    expect(await planned()).toEqual(['jobsctl_live', 'jobsctl_created', 'jobsctl_failures'])
    expect(await isThere('jobsctl_running_operations')).toBe(true)
    const warned = world.log.find((line) => line.includes('left to the operator'))
    expect(warned).toContain('"indexes":"jobsctl_live, jobsctl_created, jobsctl_failures"')
    expect((await world.call('GET', '/api/v1/jobs/list')).body).toHaveLength(20)
  })

  it('are listed with what they serve and cost, also by doctor with the next command', async () => {
    const [live, created] = missingIndexes.output.parse((await world.call('GET', missingIndexes.path)).body)
    expect(live).toMatchObject({ index: 'jobsctl_live', table: 'jobs', state: 'missing', for_operators: false })
    expect(created).toMatchObject({ index: 'jobsctl_created', for_operators: true })
    expect(created?.serves).toContain('The list of jobs')
    expect(created?.table_bytes).toBeGreaterThan(0)
    expect(created?.bytes_estimate).toBeGreaterThan(0)
    const doctor = await world.jobsctl(['doctor'])
    expect(doctor.code).toBe(0)
    expect(doctor.out).toContain('the database lacks indexes: jobsctl_live, jobsctl_created, jobsctl_failures')
    expect(doctor.out).toContain('jobs-server indexes build jobsctl_live')
  })

  it('are named by a search that ends for the lack of one', async () => {
    const other = otherProgram(world)
    const release = await holding(other, (tx) => tx`lock table jobs in access exclusive mode`)
    const list = await world.call('GET', '/api/v1/jobs/list')
    const clusters = await world.call('GET', '/api/v1/jobs/clusters')
    const served = await world.call('GET', '/api/v1/jobs/list?sort_by=ended_at')
    await release()
    await other.end()
    const named = (index: string) => ({
      status: 503,
      body: { detail: expect.stringContaining(`lacks the index ${index}`), hint: `jobs-server indexes build ${index}` },
    })
    expect(list).toMatchObject(named('jobsctl_created'))
    expect(clusters).toMatchObject(named('jobsctl_failures'))
    expect(JSON.stringify(served.body)).not.toContain('lacks the index')
  })

  it('are built one by one, an invalid one anew', async () => {
    const built = await indexes('build', 'jobsctl_created')
    expect(built).toMatchObject({ code: 0, out: 'the index jobsctl_created is built\n' })
    expect(built.err).toContain('building jobsctl_created: reads')
    expect(await planned()).toEqual(['jobsctl_live', 'jobsctl_failures'])
    expect(await indexes('build', 'jobsctl_created')).toMatchObject({
      code: 0,
      out: expect.stringContaining('already'),
    })
    expect(await indexes('build', 'jobs_pkey')).toMatchObject({ code: 2, err: expect.stringContaining('indexes plan') })
    await world.sql`update pg_index set indisvalid = false where indexrelid = 'jobsctl_created'::regclass`
    expect((await indexes('plan')).out).toContain('jobsctl_created\tjobs\tinvalid\toperators\t')
    expect((await world.jobsctl(['doctor'])).out).toContain('jobsctl_created (invalid)')
    expect((await indexes('build', 'jobsctl_created')).code).toBe(0)
    expect(await isThere('jobsctl_created')).toBe(true)
  })

  it('wait to be built while a replication slot keeps too much WAL', async () => {
    await world.sql`select pg_create_physical_replication_slot('of_indexes', true)`
    await world.jobs(1)
    const said: string[] = []
    const say = (line: string) => {
      said.push(line)
      if (line.startsWith('waiting')) void world.sql`select pg_drop_replication_slot('of_indexes')`.execute()
    }
    const env = { JOBS_CHANGE_MAX_LAG: 0, JOBS_CHANGE_MAX_WAL: 1, JOBS_DB_POOLER: false }
    const log = { info: () => {}, warn: () => {}, error: () => {} }
    const built = await buildIndex(world.sql, 'jobsctl_live', { schema: 'public', env, log, say })
    expect(built).toEqual(['the index jobsctl_live is built'])
    expect(said[0]).toContain('waiting, since the replication slot of_indexes keeps')
    expect(said[1]).toContain('building jobsctl_live')
  })

  it('say what keeps a unique one from being built', async () => {
    await world.sql`drop index idx_jobs_idempotent_unique`
    await world.sql`
      insert into jobs (domain, queue, job_type, status, idempotency_key)
      select 'a', 'q', 't', 'queued', 'same' from generate_series(1, 2)`
    const { code, err } = await indexes('build', 'idx_jobs_idempotent_unique')
    expect({ code, err }).toMatchObject({
      code: 6,
      err: expect.stringContaining('have the same domain, queue, job_type'),
    })
    expect(err).toContain('left idx_jobs_idempotent_unique invalid')
    await world.sql`delete from jobs where idempotency_key = 'same'`
    expect((await indexes('build', 'idx_jobs_idempotent_unique')).code).toBe(0)
  })

  it('are built by one command or server at a time', async () => {
    const other = otherProgram(world)
    const release = await holding(other, (tx) => tx`select pg_advisory_xact_lock(hashtext('jobsctl migrations'))`)
    expect(await indexes('build', 'jobsctl_failures')).toMatchObject({
      code: 6,
      err: expect.stringContaining('nothing was changed'),
    })
    await release()
    await other.end()
    expect(await isThere('jobsctl_failures')).toBe(false)
  })
})

describe('the plan of a database that lacks none', () => {
  const databases: TestDatabase[] = []
  afterEach(async () => {
    for (const database of databases.splice(0)) await database.drop()
  })

  it.each(['embedded', 'postgres'] as const)('is empty on %s', async (kind) => {
    const database = await newDatabase(kind)
    databases.push(database)
    expect(await runServer(['indexes', 'plan'], database.env)).toEqual({ code: 0, out: '', err: '' })
  })

  it('has all indexes of a new database, whose tables the command makes', async () => {
    const database = await emptyDatabase()
    databases.push(database)
    expect((await runServer(['indexes', 'plan'], database.env)).out.split('\n').length).toBeGreaterThan(20)
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1 })
    expect(await sql`select from jobs`).toHaveLength(0)
    await sql.end()
  })
})
