import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Running } from '../../../server/start.ts'
import { catalogueOf } from '../../support/database/catalogue.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { hasNewerDeployment, loadDeployment } from '../../support/database/existing-deployment.ts'
import { otherProgram } from '../../support/database/other-program.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { paths } from '../../support/world.ts'

const key = 'key-of-the-tests'
/** For how long both programs work beside each other. A campaign takes an hour: `BESIDE_SECONDS=3600 npx vitest run <this file>`. */
const seconds = Number(process.env.BESIDE_SECONDS ?? '20')

if (!hasNewerDeployment)
  process.stderr.write('skipped: no existing-deployment-newer.sql.gz; set SHARED_DIR to its folder\n')

describe.skipIf(!hasNewerDeployment)('a database of the newer version of the other program', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Running
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 8, onnotice: () => {} })
    await loadDeployment(sql, 'existing-deployment-newer')
  })
  afterEach(async () => {
    await server?.stop()
    await sql.end()
    await database.drop()
  })

  async function start(): Promise<void> {
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: key })
    await server.prepared
  }
  const send = (method: string, path: string, body?: unknown) =>
    call({ url: server.url, method, path, body, headers: { 'x-api-key': key, 'x-confirm': 'true' } })
  const post = (path: string, body: unknown) => send('POST', path, body)
  const tables = ['jobs', 'job_attachments', 'job_dependencies', 'job_idempotency_receipts']
  /** The rows of each table as they were, whatever columns were added since. */
  const rows = async () =>
    Object.fromEntries(
      await Promise.all(
        tables.map(async (table) => {
          const [row] = await sql`
            select count(*)::int as n, md5(string_agg(line, ',' order by line)) as hash
            from (select (to_jsonb(t) - 'jobsctl' - 'traceparent')::text as line from ${sql(table)} t) as lines`
          return [table, row]
        }),
      ),
    )
  const orphans = async () =>
    (
      await sql`
        select edge.* from job_dependencies edge
        where depends_on_terminal_status is null and exists (select from jobs where uuid = edge.job_uuid)
          and not exists (select from jobs where uuid = edge.depends_on_job_uuid)`
    ).length

  it('is adopted as it is, pruned and given back to the byte', async () => {
    const before = await rows()
    expect(before.job_dependencies).toMatchObject({ n: 43 })
    const [{ snapshots } = { snapshots: 0 }] = await sql<{ snapshots: number }[]>`
      select count(depends_on_terminal_status)::int as snapshots from job_dependencies`
    expect(snapshots).toBeGreaterThanOrEqual(40)
    await start()
    expect(await rows()).toEqual(before)
    await sql`update jobs set completed_at = completed_at - interval '90 days', created_at = created_at - interval '90 days'`
    const aged = await rows()
    const { deleted } = z.object({ deleted: z.number() }).parse((await post(paths.prune, {})).body)
    expect(deleted).toBeGreaterThan(50)
    expect(await post('/api/v1/jobs/operations/1/undo', {})).toMatchObject({
      body: { affected: deleted, conflict_count: 0 },
    })
    expect(await orphans()).toBe(0)
    const after = await rows()
    expect({ ...after, jobs: after.jobs?.n }).toEqual({ ...aged, jobs: aged.jobs?.n })
  })

  it('is erased from, and left as it was in the whole catalogue', async () => {
    const before = await catalogueOf(sql)
    await start()
    const [{ owner } = { owner: '' }] = await sql<{ owner: string }[]>`
      select owner_user_id as owner from jobs where owner_user_id is not null group by 1 order by count(*) desc limit 1`
    expect(await post('/api/v1/jobs/erase', { owner_user_id: owner })).toMatchObject({ status: 200 })
    expect([...(await sql`select status from jobs where owner_user_id = ${owner} and status <> 'processing'`)]).toEqual(
      [],
    )
    expect(await orphans()).toBe(0)
    expect((await post(paths.prune, {})).status).toBe(200)
    await server.stop()
    const { code, out } = await runServer(['uninstall', '--dry-run'], database.env)
    expect(code).toBe(0)
    const session = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await session.unsafe(out).finally(() => session.end())
    expect(await catalogueOf(sql)).toEqual(before)
  })

  it('is worked on by both programs, pruned and undone beside them, without an edge that blocks a job for ever', async () => {
    await start()
    const worker = workerOf(post)
    const theirs = otherProgram(sql)
    const end = Date.now() + seconds * 1000
    const repeat = async (act: () => Promise<unknown>) => {
      for (let n = 0; n < 20 || Date.now() < end; n++) await act()
    }
    const oneIn = (n: number) => Math.random() < 1 / n
    const anyJob = async () => {
      const [job] = await sql<{ uuid: string }[]>`
        select uuid from jobs where domain = 'beside' and uuid is not null order by random() limit 1`
      return job?.uuid
    }
    const ours = async () => {
      const parent = await anyJob()
      const { status } = await post(
        jobPaths.enqueue,
        newJob({ domain: 'beside', ...(parent && { depends_on: [parent] }) }),
      )
      expect([201, 422]).toContain(status)
    }
    const workOurs = async () => {
      for (const job of await worker.lease({ domain: 'beside', limit: 3 })) {
        const [row] = await sql`
          select from job_dependencies edge
          left join jobs parent on parent.uuid = edge.depends_on_job_uuid
          where edge.job_uuid = ${job.uuid}
            and coalesce(parent.status, edge.depends_on_terminal_status, 'missing') <> 'completed'`
        expect(row).toBeUndefined()
        await (oneIn(4) ? worker.fail(job, { retryable: false }) : worker.complete(job))
      }
    }
    /** Most jobs that have ended become old at once. */
    const age = () => sql`
      update jobs set completed_at = now() - interval '90 days', created_at = now() - interval '90 days'
      where id in (
        select id from jobs where domain = 'beside' and status in ('completed', 'failed', 'cancelled') and random() < 0.7
        order by id for update skip locked
      )`
    const pruneAndUndo = async () => {
      await post(paths.prune, { domain: 'beside' })
      const [last] = await sql<{ id: string }[]>`select max(id) as id from job_operations where kind = 'prune'`
      if (last?.id && oneIn(2)) await post(`/api/v1/jobs/operations/${last.id}/undo`, {})
    }
    await Promise.all([
      repeat(ours),
      repeat(ours),
      repeat(workOurs),
      repeat(pruneAndUndo),
      repeat(async () => theirs.add(oneIn(5) ? undefined : await anyJob())),
      repeat(() => theirs.work(oneIn(4) ? 'failed' : 'completed')),
      repeat(async () => {
        await age()
        await theirs.prune(20)
      }),
    ])
    expect(await orphans()).toBe(0)

    // Whatever still waits ends by itself.
    await until('all jobs have ended', async () => {
      await workOurs()
      const [row] = await sql`select from jobs where domain = 'beside' and status in ('queued', 'processing') limit 1`
      return row === undefined
    })
  })
})
