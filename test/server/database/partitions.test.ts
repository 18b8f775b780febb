import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { clearAll, codeOf, prune, retry } from '../../support/changes/bulk-tools.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { inPartitions as inPartitionsBy, partitionJobs } from '../../support/database/partitions.ts'
import { filteredPaths } from '../../support/filtered.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** The table of jobs in two partitions: jobs of the domain chatbooks, and all others. Rows of both have the same tids. */
async function inPartitions(): Promise<TestDatabase> {
  const database = await emptyDatabase()
  const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' }, () => {})
  await server.prepared
  await server.stop()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  await partitionJobs(sql, 'chatbooks')
  await sql.end()
  return database
}

let world: World
beforeAll(async () => {
  world = await openWorld('postgres', {}, inPartitions())
})
afterAll(() => world?.stop())
beforeEach(() => clearAll(world))

const operationOf = (answer: { body: unknown }): unknown => Object(answer.body).operation_id

it.each([prune, retry])('$name changes exactly its jobs, and its undo gives them back', async ({ path, wanted }) => {
  await world.jobs(30, wanted)
  await world.jobs(30, { ...wanted, domain: 'media' })
  const before = await world.rows()
  const preview = await world.post(path, { domain: 'chatbooks', dry_run: true })
  const preview_token = Object(Object(preview.body).preview).token
  const done = await world.confirm(path, { domain: 'chatbooks', preview_token })
  expect(done).toMatchObject({ status: 200, body: { operation_id: expect.any(Number), skipped: 0 } })
  const ofMedia = (rows: typeof before) => rows.filter(({ domain }) => domain === 'media')
  expect(ofMedia(await world.rows())).toEqual(ofMedia(before))
  expect(await world.rows()).not.toEqual(before)
  const undone = await world.confirm(`/api/v1/jobs/operations/${operationOf(done)}/undo`, {})
  expect(undone).toMatchObject({ status: 200, body: { affected: 30, conflict_count: 0 } })
  const [restored, wantedRows] = [await world.rows(), before].map((rows) =>
    rows.map(({ updated_at: _, ...row }) => row).sort((one, other) => Number(one.id) - Number(other.id)),
  )
  expect(restored).toEqual(wantedRows)
})

it('list, show, clusters, explain, stats and a sweep see both partitions', async () => {
  const [failed] = await world.jobs(3, { status: 'failed' })
  const [queued] = await world.jobs(2, { status: 'queued', domain: 'media' })
  const get = async (path: string) => (await world.call('GET', `/api/v1/jobs/${path}`)).body
  for (const sort of ['created_at', 'ended_at', 'priority', 'status'])
    expect(await get(`list?sort_by=${sort}`), sort).toHaveLength(5)
  expect(await get(`${failed}`)).toMatchObject({ id: failed, status: 'failed' })
  expect(await get('clusters')).toMatchObject({ clusters: [{ count: 3 }] })
  expect(await get(`${queued}/explain`)).toMatchObject({ reasons: [{ code: 'no_worker' }] })
  expect(await get('queues/explain?domain=media&queue=default')).toMatchObject({ due: 2 })
  expect(await get('stats')).toMatchObject([{ domain: 'chatbooks' }, { domain: 'media', queued: 2 }])
  const sweep = { age_seconds: 60, action: 'cancel' }
  expect(await world.confirm(paths.sweep, sweep)).toMatchObject({ status: 200, body: { affected: 2 } })
  expect(await world.confirm(filteredPaths.retry, { domain: 'chatbooks' })).toMatchObject({ body: { affected: 3 } })
})

it('the sizes that doctor shows are those of all partitions', async () => {
  await world.jobs(30, { status: 'failed' })
  await world.sql`vacuum analyze jobs`
  // PostgreSQL 13 and 14 tell the number of rows by a process of its own, some time after the vacuum.
  const { bytes } = await until('the rows of the partitions', async () => {
    const { body } = await world.call('GET', '/api/v1/jobs/storage')
    const jobs = Object(body).tables.find(({ table }: { table: string }) => table === 'jobs')
    return jobs.rows >= 30 && jobs
  })
  const [disk] = await world.sql`
    select sum(pg_total_relation_size(relid))::bigint as bytes from pg_partition_tree('jobs')`
  expect(bytes).toBe(disk?.bytes)
})

it('its indexes are left to the operator, and are built on each partition', async () => {
  const indexes = (...words: string[]) => runServer(['indexes', ...words], world.env)
  expect((await indexes('plan')).out).toContain('jobsctl_created\tjobs\tmissing\toperators\t')
  await world.sql`create index jobsctl_created_left on jobs_others (id)`
  expect(await indexes('build', 'jobsctl_created')).toMatchObject({
    code: 0,
    out: 'the index jobsctl_created is built\n',
  })
  expect((await indexes('plan')).out).not.toContain('jobsctl_created\t')
  await world.sql`create table jobs_media partition of jobs for values in ('sounds')`
  const [{ parts } = { parts: 0 }] = await world.sql<{ parts: number }[]>`
    select count(*)::int as parts from pg_partition_tree('jobsctl_created') where isleaf`
  expect(parts).toBe(3)
})

it.each([
  ['hash (uuid)', 'create table jobs_all partition of jobs for values with (modulus 1, remainder 0);'],
  [
    'list (domain)',
    `create table jobs_all partition of jobs default partition by range (created_at);
     create table jobs_all_times partition of jobs_all default;`,
  ],
])(
  'on partitions by %s that cannot have the index of keys, doctor says so and what follows, and names no right',
  async (key, parts) => {
    const other = await openWorld('postgres', {}, inPartitionsBy([key, parts]))
    onTestFinished(() => other.stop())
    const { out } = await other.jobsctl(['doctor', '--json'])
    const checks = z.array(z.object({ check: z.string(), detail: z.string(), hint: z.string() })).parse(JSON.parse(out))
    const of = (name: string) => checks.find(({ check }) => check === name)
    expect(of('rights')?.detail).not.toContain('idempotency_key')
    expect(of('missing')?.detail).toContain(
      'PostgreSQL cannot have the unique index idx_jobs_idempotent_unique on the partitions of jobs, whose key it lacks: no job is enqueued through the API (503)',
    )
    expect(of('missing')?.detail).not.toMatch(/lacks indexes: [^;]*idx_jobs_idempotent_unique/)
    expect(of('missing')?.hint).not.toContain('build idx_jobs_idempotent_unique')
    const looking: string[] = []
    const starting = await startServer({ ...other.env, JOBS_MIGRATE: 'false' }, (line) => void looking.push(line))
    await starting.prepared
    await starting.stop()
    const warnings = [...other.log, ...looking].filter((line) => /indexes are (missing|left)/.test(line))
    expect(warnings).toHaveLength(2)
    expect(warnings.join('\n')).not.toContain('idx_jobs_idempotent_unique')
    const plan = await runServer(['indexes', 'plan'], other.env)
    expect(plan.out).toContain('idx_jobs_idempotent_unique\tjobs\timpossible\t')
    const built = await runServer(['indexes', 'build', 'idx_jobs_idempotent_unique'], other.env)
    expect(built).toMatchObject({ code: 2, err: expect.stringContaining('no unique index without their key') })
  },
)

it('no job is enqueued through the API, which says why, until the index of keys is built on partitions by domain', async () => {
  const job = { domain: 'a', queue: 'q', job_type: 't', payload: {} }
  const enqueue = (more: object = {}) => world.post('/api/v1/jobs', { ...job, ...more })
  const refused = await enqueue()
  expect(codeOf(refused)).toBe('503 database_unavailable')
  expect(Object(refused.body).hint).toContain('jobs-server indexes plan')
  const built = await runServer(['indexes', 'build', 'idx_jobs_idempotent_unique'], world.env)
  expect(built).toMatchObject({ code: 0, out: 'the index idx_jobs_idempotent_unique is built\n' })
  const made = await until('the server sees the index', async () => {
    const answer = await enqueue({ idempotency_key: 'once' })
    return answer.status === 201 ? answer : undefined
  })
  const again = await enqueue({ idempotency_key: 'once' })
  expect(again).toMatchObject({ status: 200, body: { id: Object(made.body).id } })
  expect(await enqueue({ domain: 'chatbooks', idempotency_key: 'once' })).toMatchObject({ status: 201 })
  await expect(world.sql`
    insert into jobs (domain, queue, job_type, idempotency_key, payload, status) values ('a', 'q', 't', 'once', '{}', 'queued')`).rejects.toThrow(
    'duplicate key',
  )
})
