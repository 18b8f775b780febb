import { readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Running } from '../../../server/start.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { Failure } from '../../../shared/errors.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { everyRead, rowsOfAllKinds } from '../../support/replay/reads.ts'
import { workerOf } from '../../support/worker.ts'
import { paths } from '../../support/world.ts'

const key = 'key-of-the-tests'
const tables = new URL('../../../server/database/migrate/migrations/0001_tables.sql', import.meta.url)

describe('a database of another program with columns of other types', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let running: Running | undefined
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    const text = await readFile(tables, 'utf8')
    await sql.begin((tx) => tx.unsafe(text))
  })
  afterEach(async () => {
    await running?.stop()
    running = undefined
    await sql.end()
    await database.drop()
  })

  const start = async () => {
    running = await startServer({ ...database.env, SINGLE_USER_API_KEY: key, JOBS_METRICS: 'on' })
    return running
  }
  const headers = { 'x-api-key': key, 'x-confirm': 'true' }
  const get = (path: string) => call({ url: running?.url ?? '', method: 'GET', path, headers })
  const post = (path: string, body: unknown) => call({ url: running?.url ?? '', method: 'POST', path, body, headers })

  const fill = () => sql.unsafe(rowsOfAllKinds)

  it('answers every read, and works the jobs, where types only differ in their form', async () => {
    await sql.unsafe(`
      do $$
      declare
        found record;
        wanted text;
      begin
        for found in
          select attrelid::regclass as of, attname as name, atttypid::regtype::text as type, attnum as at, relname
          from pg_attribute
          join pg_class on pg_class.oid = attrelid
          where relnamespace = 'public'::regnamespace and relkind = 'r' and attnum > 0
            and not (relname = 'jobs_archive' and attname in ('archived_at', 'operation_id', 'job_attachments', 'job_dependencies'))
        loop
          wanted := case found.type
            when 'text' then (array['varchar(300)', 'char(60)', 'text'])[1 + case when found.name ~ 'uuid|id$' then 0 else found.at % 3 end]
            when 'integer' then (array['smallint', 'bigint'])[1 + found.at % 2]
            when 'bigint' then 'integer'
            when 'jsonb' then 'json'
            when 'real' then 'double precision'
            when 'timestamp with time zone' then
              case when found.relname in ('jobs', 'jobs_archive') then found.type else 'timestamp' end
            else found.type
          end;
          execute format('alter table %s alter column %I type %s using %I::%s', found.of, found.name, wanted, found.name, wanted);
        end loop;
      end
      $$`)
    await fill()
    const { prepared } = await start()
    await prepared
    const statuses = await Promise.all(
      [...everyRead(), '/metrics/jobs'].map(async (path) => [path, (await get(path)).status] as const),
    )
    expect(statuses.filter(([, status]) => status >= 500)).toEqual([])
    expect(statuses.length).toBeGreaterThan(50)

    const [event] = endpoints.events.output.parse((await get(endpoints.events.path)).body)
    expect(event).toMatchObject({ attrs: { a: 1 }, created_at: '2026-01-31T12:00:00.5Z' })
    const worker = workerOf(post)
    const place = { domain: 'd', queue: 'work', job_type: 't' }
    for (let n = 0; n < 3; n++) await worker.enqueue({ ...place, payload: { n } })
    const { job_type: _, ...queue } = place
    const job = await worker.take(queue)
    expect(job.payload).toEqual({ n: 0 })
    await worker.fail(job, { error_stack: ['line'] })
    await worker.complete(await worker.take(queue), { result: { ok: true } })
    await worker.release(await worker.take(queue))
    const changes: [string, object][] = [
      [paths.integrity, { fix: true }],
      [paths.sweep, { age_seconds: 1, runtime_seconds: 1, domain: 'd', queue: 'default' }],
      [paths.requeue, { domain: 'd' }],
      [paths.prune, { domain: 'd' }],
    ]
    for (const [path, body] of changes) expect([path, (await post(path, body)).status]).toEqual([path, 200])
    const operations = endpoints.listOperations.output.parse((await get(endpoints.listOperations.path)).body)
    expect(operations.length).toBe(changes.length)
    for (const { id } of operations)
      expect((await post(`/api/v1/jobs/operations/${id}/undo`, {})).status).toBeLessThan(500)
  })

  it('shows other columns of a job as PostgreSQL writes them', async () => {
    await sql`alter table jobs add column on_day date, add column at_time timestamp`
    await fill()
    await sql`update jobs set on_day = '2026-01-31', at_time = '2026-01-31 12:00:00.123456'`
    await (await start()).prepared
    expect((await get('/api/v1/jobs/1')).body).toMatchObject({
      on_day: '2026-01-31',
      at_time: '2026-01-31T12:00:00.123456Z',
    })
  })

  it.each([
    ['job_events', 'created_at', 'text', 'created_at::text'],
    ['jobs', 'available_at', 'timestamp', `available_at at time zone 'UTC'`],
    ['jobs', 'created_at', 'bigint', 'extract(epoch from created_at)::bigint'],
    ['jobs', 'uuid', 'uuid', 'uuid::uuid'],
    ['jobs', 'priority', 'numeric', 'priority::numeric'],
    ['jobs', 'payload', 'text', 'payload::text'],
    ['job_queue_controls', 'paused', 'integer', 'paused::int'],
    ['job_events', 'id', 'numeric', 'id::numeric'],
  ])(
    'refuses %s.%s as %s in a sentence, and the statement of its hint mends it',
    async (table, column, type, value) => {
      await sql.unsafe(`
      alter table ${table} alter column ${column} drop identity if exists;
      alter table ${table} alter column ${column} drop default;
      alter table ${table} alter column ${column} type ${type} using ${value}`)
      const refused = await (await start()).prepared.then(
        () => undefined,
        (error: unknown) => error,
      )
      await running?.stop()
      expect(refused).toMatchObject({
        code: 'usage',
        message: expect.stringContaining(`${table}.${column} is ${type}`),
      })
      expect(await sql`select from pg_class where relname = 'jobsctl_migrations'`).toHaveLength(0)
      const hint = refused instanceof Failure ? refused.hint : String(Reflect.get(Object(refused), 'hint'))
      await sql.unsafe(/alter table .*/.exec(hint ?? '')?.[0] ?? 'no statement')
      await (await start()).prepared
      const statuses = await Promise.all(
        [...everyRead(), '/metrics/jobs'].map(async (path) => [path, (await get(path)).status] as const),
      )
      expect(statuses.filter(([, status]) => status >= 500)).toEqual([])
    },
  )
})
