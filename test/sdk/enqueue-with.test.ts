import { randomUUID } from 'node:crypto'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enqueueWith, type Transaction, type TransactionEnqueued } from '../../sdk/client.ts'
import { until } from '../support/poll.ts'
import { workerOf } from '../support/worker.ts'
import { openWorld, type World } from '../support/world.ts'

const letter = { domain: 'letters', job_type: 'print', payload: { page: 1 } }
class RolledBack extends Error {}

describe('enqueueWith', () => {
  let world: World
  let url: string
  let sql: postgres.Sql
  let pool: pg.Pool
  let builder: Knex
  beforeAll(async () => {
    world = await openWorld('postgres')
    url = world.env.JOBS_DB_URL ?? ''
    sql = postgres(url, { max: 2, onnotice: () => {} })
    pool = new pg.Pool({ connectionString: url, max: 1 })
    builder = knex({ client: 'pg', connection: url })
  })
  beforeEach(() => world.clear())
  afterAll(async () => {
    await Promise.all([sql?.end(), pool?.end(), builder?.destroy()])
    await world?.stop()
  })

  /** A transaction of each library that people use. It rolls back where `work` throws. */
  const within: Record<string, (work: (transaction: Transaction) => Promise<unknown>) => Promise<unknown>> = {
    'postgres.js': (work) => sql.begin((tx) => work(tx)),
    pg: async (work) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const result = await work(client)
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    },
    knex: (work) => builder.transaction((trx) => work(trx)),
    'a function that runs SQL': (work) => sql.begin((tx) => work((text, values) => tx.unsafe(text, values))),
  }

  describe.each(Object.keys(within))('in a transaction of %s', (name) => {
    const inTransaction = async (work: (transaction: Transaction) => Promise<unknown>) => within[name]?.(work)

    it('takes jobs in when it commits, with what an enqueue over HTTP makes', async () => {
      const one = { ...letter, payload: { page: 12345678901234567890n, text: `$1 ? "'\\ 📚` } }
      const full = {
        ...{
          domain: 'letters',
          queue: 'low',
          job_type: 'send',
          payload: {},
          owner_user_id: 'u 1',
          priority: 1,
          max_retries: 0,
        },
        ...{ batch_group: 'b', available_at: '2031-05-06T07:08:09.25Z', idempotency_key: 'k', quarantine_threshold: 7 },
      }
      const enqueued = await inTransaction((tx) => {
        const enqueue = enqueueWith(tx, { requestId: 'r-1', traceId: 'f'.repeat(32) })
        return Promise.all([enqueue(one), enqueue([full, letter])])
      })
      // A row whose payload has a large number is read as a text by servers.
      const rows = await sql<(postgres.Row & { id: string })[]>`select * from jobs order by id`
      expect(enqueued).toEqual([
        { id: Number(rows[0]?.id), uuid: rows[0]?.uuid, created: true },
        rows.slice(1).map(({ id, uuid }) => ({ id: Number(id), uuid, created: true })),
      ])
      expect(rows).toMatchObject([
        { status: 'queued', queue: 'default', priority: 5, max_retries: 3, retry_count: 0, lease_id: null },
        { ...full, available_at: new Date(full.available_at), request_id: 'r-1', trace_id: 'f'.repeat(32) },
        letter,
      ])
      const [{ payload }] = await sql<[{ payload: string }]>`select payload::text from jobs order by id limit 1`
      expect(payload).toContain('"page": 12345678901234567890')
      expect(rows[0]?.uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
      expect(await world.steps()).toMatchObject([
        { event_type: 'job.created', attrs_json: { caller: 'sql:postgres', priority: 5 }, request_id: 'r-1' },
        { attrs_json: { priority: 1, available_at: '2031-05-06T07:08:09.25Z' } },
        { request_id: 'r-1', attrs_json: { priority: 5 } },
      ])
    })

    it('takes none in when it rolls back, and wakes no worker', async () => {
      let seen: TransactionEnqueued[] = []
      await expect(
        inTransaction(async (tx) => {
          seen = await enqueueWith(tx)([letter, { ...letter, idempotency_key: 'k' }])
          throw new RolledBack()
        }),
      ).rejects.toThrow(RolledBack)
      expect(seen).toHaveLength(2)
      expect([await world.rows(), await world.steps()]).toEqual([[], []])
      const again = await inTransaction((tx) => enqueueWith(tx)({ ...letter, idempotency_key: 'k' }))
      expect(again).toMatchObject({ created: true })
    })
  })

  const call = (fields: object) => sql.begin((tx) => enqueueWith(tx)({ ...letter, ...fields }))

  it('answers the job that has the key, also one that another transaction commits meanwhile', async () => {
    const first = await call({ idempotency_key: 'k' })
    expect(await call({ idempotency_key: 'k', payload: {} })).toEqual({ ...first, created: false })

    let late: Promise<TransactionEnqueued> | undefined
    const winner = await sql.begin(async (tx) => {
      const enqueued = await enqueueWith(tx)({ ...letter, idempotency_key: 'race' })
      late = call({ idempotency_key: 'race' })
      await until('the other transaction waits for this one', async () => {
        const [{ n }] = await world.sql<[{ n: number }]>`
          select count(*)::int as n from pg_stat_activity
          where datname = current_database() and wait_event = 'transactionid'`
        return n === 1
      })
      return enqueued
    })
    expect(await late).toEqual({ ...winner, created: false })
  })

  it('holds a job back until what it needs is completed, and cancels one whose dependency has ended badly', async () => {
    const worker = workerOf(world.post)
    const needed = await worker.enqueue()
    const bad = await worker.enqueue()
    await world.sql`update jobs set status = 'failed' where id = ${bad.id}`
    const waiting = await call({ depends_on: [needed.uuid ?? '', needed.uuid ?? ''] })
    const doomed = await call({ depends_on: [bad.uuid ?? ''] })
    expect(await worker.lease({ domain: 'letters' })).toEqual([])
    expect((await world.rows()).find(({ id }) => id === doomed.id)).toMatchObject({
      status: 'cancelled',
      cancellation_reason: 'dependency_failed',
    })
    await worker.complete(await worker.take())
    expect((await worker.lease({ domain: 'letters' })).map(({ id }) => id)).toEqual([waiting.id])
    expect((await world.steps()).filter(({ job_id }) => job_id === doomed.id)).toMatchObject([
      { event_type: 'job.created' },
      { event_type: 'job.cancelled', attrs_json: { reason: 'dependency_failed', terminal: true } },
    ])
  })

  it('wakes a worker that waits, once the transaction commits', async () => {
    const lease = workerOf(world.post).lease({ domain: 'letters', wait_seconds: 30 })
    const { id } = await call({})
    expect((await lease).map((job) => job.id)).toEqual([id])
  })

  it.each<[string, object, RegExp]>([
    [
      'a queue that drains',
      { queue: 'drained' },
      /letters\/drained takes no new jobs: it drains; nothing was enqueued/,
    ],
    ['a dependency that does not exist', { depends_on: ['no-such'] }, /no job has the uuid no-such/],
    ['a domain with a line break', { domain: 'a\nb' }, /domain must have 1 to 128 characters/],
    ['a blank job type', { job_type: '  ' }, /job_type must have/],
    ['a payload that is a list', { payload: [1] }, /payload must be an object/],
    ['a priority of 0', { priority: 0 }, /priority must be from 1 to 10/],
    ['a long key', { idempotency_key: 'k'.repeat(257) }, /idempotency_key must have/],
    ['a threshold of 0', { quarantine_threshold: 0 }, /quarantine_threshold must be from 1 to 100/],
    ['a time without an end', { available_at: 'infinity' }, /available_at must be a time/],
  ])('refuses %s, and enqueues nothing', async (_what, fields, message) => {
    await world.sql`
      insert into job_queue_controls (domain, queue, drain) values ('letters', 'drained', true) on conflict do nothing`
    await expect(call(fields)).rejects.toThrow(message)
    await expect(sql.begin((tx) => enqueueWith(tx)([letter, { ...letter, ...fields }]))).rejects.toThrow(message)
    expect(await world.rows()).toEqual([])
  })

  it('needs EXECUTE on the function alone, which no other role has', async () => {
    const role = `app_${randomUUID().slice(0, 8)}`
    await sql.unsafe(`create role ${role}`)
    const asRole = () =>
      sql.begin(async (tx) => {
        await tx.unsafe(`set local role ${role}`)
        return enqueueWith(tx, { schema: 'public' })(letter)
      })
    try {
      await expect(asRole()).rejects.toThrow(/permission denied for function jobsctl_enqueue/)
      await sql.unsafe(`grant execute on function jobsctl_enqueue to ${role}`)
      expect(await asRole()).toMatchObject({ created: true })
    } finally {
      await sql.unsafe(`drop owned by ${role}; drop role ${role}`)
    }
  })

  it('is called by name in SQL, with what is usual for the rest', async () => {
    const [row] = await sql`
      select * from jobsctl_enqueue(domain => ' letters ', job_type => 'print', payload => '{"page": 2}')`
    expect(await world.rows()).toMatchObject([{ domain: 'letters', payload: { page: 2 }, uuid: row?.uuid }])
    expect(row).toMatchObject({ created: true })
  })

  it('takes a Date, or a delay, and not both', async () => {
    const at = new Date(Date.now() + 3_600_000)
    const enqueue = enqueueWith(sql)
    await enqueue([
      { ...letter, available_at: at },
      { ...letter, delay_seconds: 600 },
    ])
    const [first, second] = await world.rows()
    expect(Date.parse(String(first?.available_at))).toBe(at.getTime())
    expect(
      Math.abs(Date.parse(String(second?.available_at)) - Date.parse(String(second?.created_at)) - 600_000),
    ).toBeLessThan(50)
    await expect(enqueue({ ...letter, available_at: at, delay_seconds: 1 })).rejects.toThrow(
      'available_at or delay_seconds',
    )
  })

  it('keeps the span of the program for the worker', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'
    await enqueueWith(sql, { traceparent })(letter)
    const job = await workerOf(world.post).take({ domain: letter.domain })
    expect(job).toMatchObject({ traceparent, trace_id: traceparent.slice(3, 35) })
    await expect(enqueueWith(sql, { traceparent: 'x' })(letter)).rejects.toThrow('traceparent must be 00-')
  })

  it('takes nothing that runs no SQL', () => {
    const nothing: unknown = {}
    expect(() => Reflect.apply(enqueueWith, undefined, [nothing])).toThrow(TypeError)
  })
})
