import { readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../../support/database/database.ts'
import { mapFile } from '../../../support/engines/mapped.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const Listed = z.array(
  z.looseObject({ id: z.string(), status: z.string(), native_state: z.string(), available_at: z.string().nullable() }),
)
const Shown = z.looseObject({
  error_message: z.string().nullable(),
  worker_id: z.string().nullable(),
  job_type: z.string(),
  queue: z.string(),
})

const schemaOf = (name: string) =>
  readFile(new URL(`../../../support/engines/schemas/${name}.sql`, import.meta.url), 'utf8')

/** Each map of the package, with the states of the jobs that the schema has, in the words of the engine. */
const engines = [
  {
    map: 'river',
    engine: 'River',
    table: 'public.river_job',
    type: 'sort',
    worker: 'client 2',
    states: {
      available: 'queued',
      pending: 'queued',
      scheduled: 'queued',
      retryable: 'queued',
      running: 'processing',
      completed: 'completed',
      cancelled: 'cancelled',
      discarded: 'failed',
    },
    later: ['retryable', 'scheduled'],
  },
  {
    map: 'oban',
    engine: 'Oban',
    table: 'private.oban_jobs',
    type: 'App.Mailer',
    worker: 'node 1',
    states: {
      available: 'queued',
      scheduled: 'queued',
      retryable: 'queued',
      executing: 'processing',
      completed: 'completed',
      discarded: 'failed',
      cancelled: 'cancelled',
    },
    later: ['retryable', 'scheduled'],
  },
  {
    map: 'good_job',
    engine: 'GoodJob',
    table: 'public.good_jobs',
    type: 'MailJob',
    worker: null,
    states: {
      queued: 'queued',
      scheduled: 'queued',
      retried: 'queued',
      running: 'processing',
      succeeded: 'completed',
      superseded: 'completed',
      discarded: 'failed',
    },
    later: ['scheduled', 'retried'],
  },
] as const

const setByEnd = 'finished_at not null, error not null, retried_good_job_id null, performed_at not null'

describe.each(engines)('the jobs of $engine', ({ map, engine, table, type, worker, states, later }) => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  const env: Record<string, string> = { SINGLE_USER_API_KEY: 'key', PORT: '0' }
  const inWords: Record<string, string> = states
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await sql.unsafe(await schemaOf(map))
    Object.assign(env, database.env)
    server = await startServer({ ...env, JOBS_MAP_FILE: map })
    await server.prepared
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })
  const get = async (path: string) =>
    call({ url: server.url, method: 'GET', path: `/api/v1/jobs/${path}`, headers: { 'x-api-key': 'key' } })
  /** The word of the engine for a job; of GoodJob, that of the schema of this test. */
  const wordOf = async (id: string) => {
    const key = id.slice(id.indexOf('/') + 1)
    const word = map === 'good_job' ? sql`serialized_params #>> '{arguments,0}'` : sql`state::text`
    const [row] = await sql<[{ word: string }]>`select ${word} as word from ${sql(table)} where id::text = ${key}`
    return row.word
  }

  it('are named at a start without the map, with the map that looks at them', async () => {
    const { code, err } = await runServer([], env)
    expect(code).toBe(2)
    expect(err).toContain(`has the jobs of ${engine} (${table}`)
    expect(err).toContain(`to look at these jobs: jobs-server --map ${map}`)
  })

  it('have a state of ours each, with their own word beside it', async () => {
    const jobs = Listed.parse((await get('list')).body)
    const seen: Record<string, string> = {}
    for (const { id, status, native_state, available_at } of jobs) {
      const word = await wordOf(id)
      seen[word] = status
      if (map !== 'good_job') expect(native_state).toBe(word)
      else if (word === 'discarded') expect(native_state).toBe(setByEnd)
      expect([word, Date.parse(available_at ?? '') > Date.now()]).toEqual([word, later.some((one) => one === word)])
    }
    expect(seen).toEqual(inWords)
    const counts = Object.values(inWords)
    expect((await get('stats')).body).toMatchObject([
      {
        domain: map,
        queue: 'mail',
        job_type: type,
        queued: counts.filter((state) => state === 'queued').length - later.length,
        scheduled: later.length,
        processing: 1,
        failed: 1,
      },
    ])
  })

  it('are shown with their last error and their worker, and counted in clusters', async () => {
    const [failed] = Listed.parse((await get('list?status=failed')).body)
    const { body } = await get(`job?key=${encodeURIComponent(failed?.id ?? '')}`)
    expect(Shown.parse(body)).toMatchObject({
      job_type: type,
      queue: 'mail',
      error_message: expect.stringMatching(/connection refused$/),
      worker_id: worker,
    })
    const clusters = z.object({ clusters: z.array(z.looseObject({ status: z.string(), count: z.number() })) })
    const found = clusters.parse((await get('clusters')).body).clusters.filter((one) => one.status === 'failed')
    expect(found).toMatchObject([{ count: 1 }])
  })

  it('are only looked at: no change, no records, and init --check says so', async () => {
    for (const [path, body] of [
      ['retry-now', { domain: map, only_failed: true }],
      ['prune', { domain: map, older_than_days: 1 }],
      ['batch/cancel', { domain: map, status: ['queued'] }],
    ] as const) {
      const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
      const answer = await call({ url: server.url, method: 'POST', path: `/api/v1/jobs/${path}`, headers, body })
      expect([path, answer.status, answer.body]).toMatchObject([path, 422, { code: 'not_supported' }])
    }
    const { code, out, err } = await runServer(['init', '--check', '--map', map], env)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(`${map}.yaml fits ${table}: domain ${map}, key id`)
    expect(out).toContain('changes: none, since the map of')
    expect(out).toContain('show uses the index')
    const [row] = await sql`select count(*)::int as count from pg_namespace where nspname = 'jobsctl'`
    expect(row).toEqual({ count: 0 })
  })
})

describe('the jobs of Oban from migration 14 on', () => {
  it('may be suspended, which the same map has', async () => {
    const database = await emptyDatabase()
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await sql.unsafe(await schemaOf('oban'))
    await sql`alter type private.oban_job_state add value 'suspended' before 'scheduled'`
    await sql`update private.oban_jobs set state = 'suspended' where state = 'scheduled'`
    await sql.end()
    const { code, out, err } = await runServer(['init', '--check', '--map', 'oban'], database.env)
    expect({ code, out, err }).toMatchObject({
      code: 0,
      out: expect.stringContaining('fits private.oban_jobs'),
      err: '',
    })
    await database.drop()
  })
})

describe('the jobs of Solid Queue', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await emptyDatabase()
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await sql.unsafe(await schemaOf('solid_queue'))
    await sql.end()
  })
  afterAll(() => database.drop())

  it('are no jobs of a map, and both ways to them say so', async () => {
    const env = { ...database.env, PORT: '0', SINGLE_USER_API_KEY: 'key' }
    const started = await runServer([], env)
    expect(started).toMatchObject({ code: 2, err: expect.stringContaining('has the jobs of Solid Queue') })
    expect(started.err).toContain('no map can say the state of a job that several tables keep')
    const map = await mapFile(`table: solid_queue_jobs
key: id
queue: {column: queue_name}
status: {completed: {finished_at: not null}, queued: {}}
times: {created: created_at}
`)
    const mapped = await runServer(['--map', map], env)
    expect(mapped.code).toBe(2)
    expect(mapped.err).toContain('jobs-map.yaml:1:8: table: Solid Queue keeps the state of a job in which of several')
  })
})
