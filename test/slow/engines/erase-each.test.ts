import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { makeBullMq } from '../../support/engines/bullmq.ts'
import { addJobs, dead, makeGraphileWorker, running } from '../../support/engines/graphile-worker.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const person = 'ann-lee-4711'
const payload = [{ path: 'to', value: person }]

const Answer = z.looseObject({
  operation_id: z.number().nullish(),
  deleted: z.number().default(0),
  affected: z.number().default(0),
  detail: z.string().optional(),
})

/** A server over the jobs of one engine. */
interface World {
  sql: postgres.Sql
  env: Record<string, string>
  post: (path: string, body: object) => Promise<{ status: number; body: z.infer<typeof Answer> }>
  /** Where the schemas have the person. */
  tablesWith: (...schemas: string[]) => Promise<string[]>
  /** What is sent on a channel while `act` runs. */
  wakes: (channel: string, act: () => Promise<unknown>) => Promise<string[]>
  close: () => Promise<void>
}

async function openWorld(
  engine: string,
  make: (sql: postgres.Sql) => Promise<unknown>,
  more: Record<string, string> = {},
): Promise<World> {
  const database: TestDatabase = await emptyDatabase()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  await make(sql)
  const env = { ...database.env, ...more }
  expect(await runServer(['migrate', '--engine', engine], env)).toMatchObject({ code: 0 })
  const server = await startServer({ ...env, SINGLE_USER_API_KEY: 'key' })
  await server.prepared
  return {
    sql,
    env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' },
    async post(path, body) {
      const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
      const answer = await call({ url: server.url, method: 'POST', path: `/api/v1/jobs/${path}`, headers, body })
      return { status: answer.status, body: Answer.parse(answer.body) }
    },
    async tablesWith(...schemas) {
      const tables = await sql<{ name: string }[]>`
        select quote_ident(nspname) || '.' || quote_ident(relname) as name
        from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where relkind = 'r' and nspname = any(${schemas}) order by 1`
      const found: string[] = []
      for (const { name } of tables) {
        const [row] =
          await sql`select from ${sql.unsafe(name)} as t where row_to_json(t)::text like ${`%${person}%`} limit 1`
        if (row) found.push(name)
      }
      return found
    },
    async wakes(channel, act) {
      const signs: string[] = []
      const listener = postgres(database.env.JOBS_DB_URL ?? '', { max: 1 })
      await listener.listen(channel, (sign) => signs.push(sign))
      await act()
      await listener.notify(channel, 'last')
      await until('the signs have come', async () => signs.includes('last'))
      await listener.end()
      return signs.filter((sign) => sign !== 'last')
    },
    async close() {
      await server.stop()
      await sql.end()
      await database.drop()
    },
  }
}

describe('an erasure of jobs of BullMQ', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('bullmq', (sql) => makeBullMq({ sql, version: 11 }))
  })
  afterAll(() => world.close())
  const at = () => Date.now() - 3 * 86_400_000
  const add = async (rows: object[]) => {
    for (const row of rows)
      await world.sql`
        insert into bullmq.job ${world.sql({ queue: 'mail', seq: 1, name: 'send', added_at_ms: at(), ...row })}`
  }
  const of = (to: string) => world.sql.json({ to })
  const ended = () => ({ finished_at_ms: at() })
  const ids = async () =>
    (await world.sql`select queue || '/' || id as key from bullmq.job order by 1`).map(({ key }) => key)

  it('leaves nothing of a person in rows, logs, archive, images and edges that were archived', async () => {
    const { sql, post, tablesWith } = world
    await add([
      { id: 'parent', state: 'completed', data: of('bob'), ...ended() },
      {
        id: 'old',
        state: 'completed',
        data: of(person),
        return_value: sql.json(person),
        parent_queue: 'mail',
        parent_id: 'parent',
        ...ended(),
      },
      {
        id: 'other',
        state: 'completed',
        data: of('bob'),
        return_value: sql.json(1),
        parent_queue: 'mail',
        parent_id: 'parent',
        ...ended(),
      },
    ])
    await sql`
      insert into bullmq.job_dependency (parent_queue, parent_id, child_queue, child_id, child_key, status, value)
      values ('mail', 'parent', 'mail', 'old', 'mail:old', 'processed', ${sql.json(person)}), ('mail', 'parent', 'mail', 'other', 'mail:other', 'processed', '1')`
    const pruned = await post('prune', { domain: 'bullmq', older_than_days: 1, statuses: ['completed'] })
    expect(pruned.body.deleted).toBe(3)
    expect(await ids()).toEqual([])
    await add([
      { id: '1', state: 'failed', data: of(person), failed_reason: `no mailbox of ${person}`, ...ended() },
      { id: '2', state: 'delayed', data: of(person), dedup_id: person, process_at_ms: Date.now() + 3_600_000 },
      { id: '3', state: 'waiting', data: of('bob') },
    ])
    await sql`insert into bullmq.job_log values ('mail', '1', 0, ${person})`
    await sql`insert into bullmq.dedup (queue, dedup_id, job_id) values ('mail', ${person}, '2')`
    expect((await post('batch/retry', { domain: 'bullmq', only_failed: true })).body.affected).toBe(1)
    expect((await post('erase', { payload, dry_run: true })).body).toMatchObject({
      preview: { count: 3 },
      not_touched: [{ table: 'bullmq.dedup', rows: 1 }],
    })
    const woken = await world.wakes('bullmq_jobs', async () => {
      expect((await post('erase', { payload })).body).toMatchObject({
        affected: 3,
        erased: { jobs: 2, archived: 1, row_images: 1 },
      })
    })
    expect(woken).toEqual(['mail'])
    expect(await tablesWith('bullmq', 'jobsctl')).toEqual([])
    expect(await ids()).toEqual(['mail/3'])
    const told = await sql<{ data: { jobId: string } }[]>`select data from bullmq.event where event = 'removed'`
    expect(told.map(({ data }) => data.jobId).toSorted()).toEqual(['1', '2'])
    // What was not erased comes back, and the edge of the erased child without its result.
    expect((await post(`operations/${pruned.body.operation_id}/undo`, {})).body.affected).toBe(2)
    expect(await ids()).toEqual(['mail/3', 'mail/other', 'mail/parent'])
    expect([...(await sql`select child_id, value from bullmq.job_dependency order by 1`)]).toEqual([
      { child_id: 'old', value: null },
      { child_id: 'other', value: 1 },
    ])
  })
  it("passes over what BullMQ needs: running jobs, a scheduler's, children that a parent waits for", async () => {
    const { sql, post, env } = world
    await sql`delete from bullmq.job`
    await sql`delete from jobsctl.jobsctl_holds`
    await add([
      { id: 'active', state: 'active', lock_token: 'token', locked_until_ms: Date.now() + 30_000, data: of(person) },
      {
        id: 'repeat:daily:1000',
        state: 'delayed',
        scheduler_id: 'daily',
        process_at_ms: Date.now() + 3_600_000,
        data: of(person),
      },
      { id: 'waits', state: 'waiting-children', pending_deps: 1, data: of('bob') },
      { id: 'child', state: 'waiting', parent_queue: 'mail', parent_id: 'waits', data: of(person) },
    ])
    await sql`insert into bullmq.scheduler (queue, scheduler_id, next_run_ms) values ('mail', 'daily', 1000)`
    await sql`
      insert into bullmq.job_dependency (parent_queue, parent_id, child_queue, child_id, child_key)
      values ('mail', 'waits', 'mail', 'child', 'mail:child')`
    expect((await post('erase', { payload, dry_run: true })).body).toMatchObject({
      preview: { count: 0 },
      passed_over: { running: 1, needed: 2 },
    })
    const { code, err } = await runJobsctl(['erase', '--payload', `to=${person}`, '--yes'], { env })
    expect({ code, err }).toEqual({ code: 6, err: expect.stringContaining('2 jobs that the engine needs') })
    expect(await ids()).toEqual(['mail/active', 'mail/child', 'mail/repeat:daily:1000', 'mail/waits'])
    // The parent has failed: it waits for nothing any more.
    await sql`update bullmq.job set state = 'failed', finished_at_ms = 1 where id = 'waits'`
    expect((await post('erase', { ids: ['mail/child'] })).body).toMatchObject({ affected: 1 })
    expect([...(await sql`select pending_deps from bullmq.job where id = 'waits'`)]).toEqual([{ pending_deps: 0 }])
    expect([...(await sql`select from bullmq.job_dependency where child_id = 'child'`)]).toEqual([])
  })

  it('by an owner is refused, since no job has one', async () => {
    const { code, err } = await runJobsctl(['erase', '--owner', person, '--dry-run'], { env: world.env })
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('jobs of BullMQ have no owner') })
    expect(err).toContain('--payload')
    expect((await world.post('erase', { owner_user_id: person, copies_only: true })).status).toBe(422)
  })

  it('of copies alone leaves the jobs', async () => {
    const { sql, post } = world
    await sql`delete from bullmq.job`
    const old = { id: 'gone', state: 'completed', data: of(person), ...ended() }
    await add([old])
    const pruned = await post('prune', { domain: 'bullmq', older_than_days: 1, statuses: ['completed'] })
    expect(pruned.body.deleted).toBe(1)
    await add([{ id: 'here', state: 'completed', data: of(person), ...ended() }])
    const answer = await post('erase', { payload, copies_only: true })
    expect(answer.body, JSON.stringify(answer)).toMatchObject({
      affected: 1,
      erased: { jobs: 0, archived: 1 },
    })
    expect(await ids()).toEqual(['mail/here'])
  })
})

describe('an erasure of jobs of graphile-worker', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('graphile-worker', (sql) => makeGraphileWorker({ sql }))
  })
  afterAll(() => world.close())

  it('deletes waiting and dead jobs, archived copies and images, and never a job that a worker has, not even after five hours', async () => {
    const { sql, post, tablesWith, env } = world
    const to = (one: string) => `'{"to": "${one}"}'::json`
    await addJobs({ sql }, { task: 'mail', queue: 'odd / 100%', count: 2, columns: { ...dead, payload: to(person) } })
    const domain = 'graphile_worker'
    const pruned = await post('prune', { domain, older_than_days: 1, statuses: ['failed'] })
    expect(pruned.body.deleted).toBe(2)
    await addJobs({ sql }, { task: 'mail', columns: { ...dead, payload: to(person) } })
    await addJobs({ sql }, { task: 'mail', columns: { ...dead, payload: to('bob') } })
    await addJobs({ sql }, { task: 'mail', columns: { payload: to(person), key: `'${person}'` } })
    await addJobs({ sql }, { task: 'mail', columns: { ...running(5, 'pool-old'), payload: to(person) } })
    expect((await post('batch/retry', { domain, only_failed: true })).body.affected).toBe(2)
    expect((await post('erase', { payload, dry_run: true })).body).toMatchObject({
      preview: { count: 4 },
      passed_over: { running: 1, needed: 0 },
    })
    const { code, out } = await runJobsctl(['erase', '--payload', `to=${person}`, '--yes', '--json'], { env })
    expect(code).toBe(9)
    expect(JSON.parse(out)).toMatchObject({ affected: 4, erased: { jobs: 2, archived: 2, row_images: 1 } })
    expect(await tablesWith(domain, 'jobsctl')).toEqual(['graphile_worker._private_jobs'])
    const left = await sql<{ to: string; locked: boolean }[]>`
      select payload ->> 'to' as to, locked_at is not null as locked from graphile_worker._private_jobs order by id`
    expect([...left]).toEqual([
      { to: 'bob', locked: false },
      { to: person, locked: true },
    ])
    expect((await post(`operations/${pruned.body.operation_id}/undo`, {})).body.affected).toBe(0)
  })

  it('by an owner is refused, since no job has one', async () => {
    expect(await world.post('erase', { owner_user_id: person })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('jobs of graphile-worker have no owner') },
    })
  })
})

describe('an erasure of jobs of a mapped table', () => {
  let world: World
  let map: string
  beforeAll(async () => {
    map = await mapFile(`domain: shop\n${emailMap}`)
    const make = async (sql: postgres.Sql) => {
      await makeEmailJobs(sql, 'bigint')
      await fillEmailJobs(sql, 100)
      await sql`update app.email_jobs set tenant = ${person} where id % 2 = 0`
    }
    world = await openWorld('mapped', make, { JOBS_MAP_FILE: map })
  })
  afterAll(() => world.close())
  const count = async () => {
    const [row] = await world.sql<[{ all: number; running: number; odd: number }]>`
      select count(*)::int as all, count(*) filter (where state = 1)::int as running, count(*) filter (where state > 4)::int as odd
      from app.email_jobs where tenant = ${person}`
    return row
  }

  it('by the owner deletes jobs in every state that the map knows, but no running one, and their copies', async () => {
    const { sql, post, tablesWith } = world
    const before = await count()
    const pruned = await post('prune', { domain: 'shop', older_than_days: 1, statuses: ['completed'] })
    const archived = before.all - (await count()).all
    expect(archived).toBeGreaterThan(0)
    await sql`update app.email_jobs set state = 7 where id in (select id from app.email_jobs where tenant = ${person} and state = 0 limit 1)`
    expect((await post('batch/retry', { domain: 'shop', only_failed: true })).status).toBe(200)
    const erased = await post('erase', { owner_user_id: person })
    expect(erased.body).toMatchObject({
      affected: before.all - before.running - 1,
      passed_over: { running: before.running, needed: 1 },
      erased: { archived },
    })
    expect(await count()).toEqual({ all: before.running + 1, running: before.running, odd: 1 })
    await sql`delete from app.email_jobs where tenant = ${person}`
    expect(await tablesWith('app', 'jobsctl')).toEqual([])
    expect((await post(`operations/${pruned.body.operation_id}/undo`, {})).body.affected).toBe(
      pruned.body.deleted - archived,
    )
    expect(await tablesWith('app', 'jobsctl')).toEqual([])
  })

  it('by what the map does not have is refused, and deletes what a prune may where it tells no running jobs', async () => {
    const { sql, env } = world
    const blind = emailMap
      .replace('owner: {column: tenant}\npayload: {column: args}\n', '')
      .replace('1: processing, ', '1: queued, ')
      .replace('locked_by: {column: Locked by}\n', '')
    expect(blind).not.toContain('processing')
    const url = sql.options
    const server = await startServer({
      JOBS_DB_URL: `postgres://${url.user}@${url.host[0]}:${url.port[0]}/${url.database}`,
      JOBS_MAP_FILE: await mapFile(blind),
      SINGLE_USER_API_KEY: 'key',
    })
    await server.prepared
    const run = (...argv: string[]) =>
      runJobsctl(['erase', ...argv, '--yes'], { env: { ...env, JOBSCTL_URL: server.url } })
    expect(await run('--owner', person)).toMatchObject({ code: 2, err: expect.stringContaining('no owner') })
    expect(await run('--payload', 'to=ann')).toMatchObject({ code: 2, err: expect.stringContaining('no payload') })
    await sql`update app.email_jobs set state = 3 where id = (select id from app.email_jobs where state = 0 limit 1)`
    const [waiting] = await sql<[{ id: string }]>`select id from app.email_jobs where state = 0 limit 1`
    const [failed] = await sql<[{ id: string }]>`select id from app.email_jobs where state = 3 limit 1`
    expect(await run(waiting.id, failed.id)).toMatchObject({ code: 9 })
    const left = await sql`select id from app.email_jobs where id = any(${[waiting.id, failed.id]})`
    expect([...left]).toEqual([{ id: waiting.id }])
    await server.stop()
  })
})
