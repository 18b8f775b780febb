import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Job } from '../../../shared/work/job.ts'
import { openScopedWorld } from '../../support/access/scoped-world.ts'
import { bearer, idOf, makeScoped, makeToken } from '../../support/access/tokens.ts'
import { holding } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { held, jobPath, jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

type Headers = Record<string, string>
const completeIn =
  (world: World) =>
  (job: Job, fields: object = {}, headers: Headers = {}) =>
    world.post(jobPath(job.id, 'complete'), { ...held(job), ...fields }, headers)

const Named = z.union([z.object({ id: z.number() }), z.object({ ids: z.tuple([z.number()]) })])
const Leased = z.object({ jobs: z.array(z.object({ id: z.number(), worker_id: z.string(), lease_id: z.string() })) })
const byNumber = (requestId: string | null) => Number(requestId?.slice('call-'.length))
const codeOf = (body: unknown) => z.object({ code: z.string() }).parse(body).code

/** Runs `work` while a trigger rejects what is done to the jobs for which the condition is true. */
async function whileRejecting(
  { sql }: World,
  { what, when }: { what: 'insert' | 'update'; when: string },
  work: () => Promise<void>,
): Promise<void> {
  await sql.unsafe(`
    create function reject() returns trigger language plpgsql as $$ begin raise 'never this one'; end $$;
    create trigger reject before ${what} on jobs for each row when (${when}) execute function reject()`)
  try {
    await work()
  } finally {
    await sql.unsafe('drop trigger reject on jobs; drop function reject()')
  }
}

describe.each(kinds)('completions at the same time on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const leased = async (n: number): Promise<Job[]> => {
    await world.jobs(n, { status: 'queued' })
    return workerOf(world.post).lease({ limit: n })
  }

  it('share statements: the jobs of one statement have ended at one time, each with the event of its own request', async () => {
    const complete = completeIn(world)
    await until('jobs of several calls were completed in one statement', async () => {
      await world.clear()
      const jobs = await leased(20)
      const answers = await Promise.all(
        jobs.map((job, n) => complete(job, { result: n }, { 'x-request-id': `call-${n}` })),
      )
      expect(answers.map(({ status }) => status)).toEqual(jobs.map(() => 200))
      expect(answers.map(({ body }) => body)).toMatchObject(jobs.map(({ id }) => ({ id, status: 'completed' })))
      const results = await world.sql`select result from jobs order by id`
      expect(results.map(({ result }) => result)).toEqual(jobs.map((_, n) => n))
      const events = (await world.steps()).filter(({ event_type }) => event_type === 'job.completed')
      expect(new Map(events.map(({ job_id, request_id }) => [job_id, request_id]))).toEqual(
        new Map(jobs.map(({ id }, n) => [id, `call-${n}`])),
      )
      expect(events).toHaveLength(jobs.length)
      return (await world.sql`select distinct completed_at from jobs`).length < jobs.length
    })
  })

  it('each get the answer that they would get alone', async () => {
    const complete = completeIn(world)
    const [done, twice, lost, other, ...good] = await leased(12)
    if (!done || !twice || !lost || !other) throw new Error('too few jobs were leased')
    const first = await complete(done, { completion_token: 't' })
    await world.sql`update jobs set lease_id = 'of another worker' where id = ${lost.id}`

    const answers = await Promise.all([
      complete(done, { completion_token: 't' }),
      complete(done, { completion_token: 'u' }),
      complete(twice, { completion_token: 't' }),
      complete(twice, { completion_token: 't' }),
      complete(lost),
      complete({ ...other, worker_id: 'worker-2' }),
      complete({ ...other, id: 4711 }),
      ...good.map((job) => complete(job, { result: 'x'.repeat(job.id % 2 ? 1 : 10_000) })),
    ])

    const codes = answers.map(({ status, body }) => (status === 200 ? 'ok' : codeOf(body)))
    const some = ['ok', 'conflict', 'ok', 'ok', 'lease_lost', 'lease_lost', 'not_found']
    expect(codes).toEqual([...some, ...good.map(() => 'ok')])
    expect(answers[0]?.body).toEqual(first.body)
    expect(answers[2]?.body).toEqual(answers[3]?.body)
    const ended = (await world.rows()).filter(({ status }) => status === 'completed').map(({ id }) => id)
    expect(new Set(ended)).toEqual(new Set([done, twice, ...good].map(({ id }) => id)))
    const events = (await world.steps()).filter(({ event_type }) => event_type === 'job.completed')
    expect(events.map(({ job_id }) => job_id).toSorted()).toEqual(ended.toSorted())
  })

  it('are completed although the tables reject one of them', async () => {
    const complete = completeIn(world)
    const [bad, ...good] = await leased(8)
    if (!bad) throw new Error('no job was leased')
    await whileRejecting(world, { what: 'update', when: `old.id = ${bad.id}` }, async () => {
      const answers = await Promise.all([bad, ...good].map((job) => complete(job)))
      expect(answers.map(({ status }) => status)).toEqual([409, ...good.map(() => 200)])
      expect(answers[0]?.body).toMatchObject({ detail: expect.stringContaining('never this one') })
    })
    expect(await complete(bad)).toMatchObject({ status: 200 })
  })
})

describe.each(kinds)('jobs that are enqueued at the same time on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openScopedWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const enqueue = (fields: object = {}, headers: Headers = {}) =>
    world.post(jobPaths.enqueue, newJob({ ...fields }), headers)

  it.each([{}, { prefer: 'return=minimal' }])(
    'share statements, each with the names of its own request %o',
    async (preferred) => {
      const tokens = await Promise.all(
        ['ann', 'bob'].map((name) => makeToken(world.sql, `${name} ${preferred.prefer}`, 'worker', true)),
      )
      const callers = Array.from({ length: 20 }, (_, n) => tokens[n % 2] ?? '')
      await until('jobs of several calls were inserted in one statement', async () => {
        await world.clear()
        const trace = (n: number) => String(n + 1).padStart(32, '0')
        const answers = await Promise.all(
          callers.map((token, n) =>
            enqueue(
              { payload: { n } },
              {
                ...preferred,
                ...bearer(token),
                'x-request-id': `call-${n}`,
                traceparent: `00-${trace(n)}-${'2'.repeat(16)}-01`,
              },
            ),
          ),
        )
        expect(answers.map(({ status }) => status)).toEqual(callers.map(() => 201))
        const rows = await world.sql<
          { id: number; n: number; request_id: string; trace_id: string; created_at: string }[]
        >`
        select id, (payload ->> 'n')::int as n, request_id, trace_id, created_at from jobs order by n`
        expect(rows.map(({ n, request_id, trace_id }) => ({ n, request_id, trace_id }))).toEqual(
          callers.map((_, n) => ({ n, request_id: `call-${n}`, trace_id: trace(n) })),
        )
        const named = answers.map(({ body }) => Named.parse(body))
        expect(named.map((body) => ('ids' in body ? body.ids[0] : body.id))).toEqual(rows.map(({ id }) => id))
        const events = (await world.steps()).map(({ job_id, request_id, attrs_json }) => ({
          job_id,
          request_id,
          caller: attrs_json.caller,
        }))
        expect(events.toSorted((a, b) => byNumber(a.request_id) - byNumber(b.request_id))).toEqual(
          rows.map(({ id, request_id, n }) => ({ job_id: id, request_id, caller: idOf(callers[n] ?? '') })),
        )
        return new Set(rows.map(({ created_at }) => created_at)).size < rows.length
      })
    },
  )

  it('each get the answer that they would get alone', async () => {
    await world.post(
      jobPaths.control,
      { domain: 'chatbooks', queue: 'ending', action: 'drain' },
      { 'x-confirm': 'true' },
    )
    const existing = workerOf(world.post)
    const first = await existing.enqueue({ idempotency_key: 'k' })
    await whileRejecting(world, { what: 'insert', when: "new.job_type = 'bad'" }, async () => {
      const answers = await Promise.all([
        enqueue({ queue: 'ending' }),
        enqueue({ job_type: 'bad' }),
        enqueue({ idempotency_key: 'k' }),
        enqueue({ depends_on: [first.uuid] }),
        enqueue({ depends_on: ['nobody'] }),
        enqueue({ payload: { text: 'x'.repeat(10_000) } }),
        ...Array.from({ length: 8 }, () => enqueue()),
      ])
      expect(answers.map(({ status }) => status)).toEqual([409, 409, 200, 201, 422, 201, ...Array(8).fill(201)])
      expect(answers[2]?.body).toMatchObject({ id: first.id, created: false })
      expect(await world.count()).toBe(11)
    })
  })
})

describe.each(kinds)('jobs that are leased at the same time on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openScopedWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const acquire = (fields: object = {}, headers: Headers = {}) =>
    world.post(jobPaths.acquire, { domain: 'chatbooks', worker_id: 'w', ...fields }, headers)
  const idsOf = ({ body }: { body: unknown }) => Leased.parse(body).jobs.map(({ id }) => id)

  it.each([{}, { prefer: 'return=minimal' }])(
    'share statements, each worker with a job and a lease of its own %o',
    async (preferred) => {
      const tokens = await Promise.all(
        ['ann', 'bob'].map((name) => makeToken(world.sql, `${name} takes ${preferred.prefer}`, 'worker')),
      )
      await until('jobs of several calls were leased in one statement', async () => {
        await world.clear()
        const ids = await world.jobs(15, { status: 'queued' })
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, n) =>
            acquire(
              { worker_id: `w${n}`, lease_seconds: n % 3 ? 60 : 600 },
              { ...preferred, ...bearer(tokens[n % 2] ?? ''), 'x-request-id': `call-${n}` },
            ),
          ),
        )
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
        const taken = answers.flatMap(({ body }, n) => Leased.parse(body).jobs.map((job) => ({ ...job, n })))
        expect(taken.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
        const rows = await world.sql<
          { id: number; worker_id: string; lease_id: string; acquired_at: string; seconds: number }[]
        >`
          select id, worker_id, lease_id, acquired_at, extract(epoch from leased_until - acquired_at)::int as seconds
          from jobs where status = 'processing'`
        const events = (await world.steps()).filter(({ event_type }) => event_type === 'job.acquired')
        for (const { id, n, lease_id, worker_id } of taken) {
          expect(worker_id).toBe(`w${n}`)
          expect(lease_id.endsWith(idOf(tokens[n % 2] ?? ''))).toBe(true)
          expect(rows.find((row) => row.id === id)).toMatchObject({ worker_id, lease_id, seconds: n % 3 ? 60 : 600 })
          const [event, ...more] = events.filter(({ job_id }) => job_id === id)
          expect(event).toMatchObject({ request_id: `call-${n}`, attrs_json: { worker_id } })
          expect(more).toEqual([])
        }
        expect(new Set(rows.map(({ lease_id }) => lease_id)).size).toBe(rows.length)
        return new Set(rows.map(({ acquired_at }) => acquired_at)).size < rows.length
      })
    },
  )

  it('each take what they ask for, and what has a condition first', async () => {
    const [one] = await world.jobs(1, { status: 'queued', job_type: 'one' })
    const [other] = await world.jobs(1, { status: 'queued', queue: 'other' })
    const [hers] = await world.jobs(1, { status: 'queued', job_type: 'two', owner_user_id: 'ann' })
    const [expired] = await world.jobs(1, {
      status: 'processing',
      queue: 'late',
      leased_until: new Date(0).toISOString(),
      max_retries: 9,
    })
    await world.jobs(1, { status: 'queued', queue: 'paused' })
    await world.post(
      jobPaths.control,
      { domain: 'chatbooks', queue: 'paused', action: 'pause' },
      { 'x-confirm': 'true' },
    )
    const answers = await Promise.all([
      acquire({ job_types: ['one'] }),
      acquire({ queue: 'other', worker_id: 'x' }),
      acquire({ owner_user_id: 'ann' }),
      acquire({ queue: 'paused' }),
      acquire({ queue: 'nothing' }),
      acquire({ queue: 'late' }),
      acquire({ queue: 'late' }),
    ])
    expect(answers.slice(0, 5).map(idsOf)).toEqual([[one], [other], [hers], [], []])
    // An expired lease is a failed attempt, whose job one of the calls takes.
    expect(answers.slice(5).flatMap(idsOf)).toEqual([expired])
    const rows = await world.rows()
    expect(rows.find(({ id }) => id === expired)).toMatchObject({ status: 'processing', retry_count: 1 })
  })

  it('belong to the worker that asked, whatever its name', async () => {
    const names = ['a,b', '"', "o'clock", '\\', '{x}', 'NULL', 'é 📚', 'x'.repeat(256)]
    await world.jobs(names.length, { status: 'queued' })
    const answers = await Promise.all(names.map((worker_id) => acquire({ worker_id })))
    expect(answers.flatMap(({ body }) => Leased.parse(body).jobs.map(({ worker_id }) => worker_id))).toEqual(names)
  })

  it('are leased once although the tables reject those of another queue', async () => {
    await world.jobs(4, { status: 'queued', queue: 'bad' })
    await world.jobs(8, { status: 'queued', queue: 'good' })
    await whileRejecting(world, { what: 'update', when: "old.queue = 'bad'" }, async () => {
      const queues = Array.from({ length: 8 }, (_, n) => (n % 2 ? 'bad' : 'good'))
      const answers = await Promise.all(queues.map((queue) => acquire({ queue })))
      expect(answers.map(({ status }) => status)).toEqual(queues.map((queue) => (queue === 'bad' ? 409 : 200)))
      const taken = answers.filter(({ status }) => status === 200).flatMap(idsOf)
      expect(taken).toHaveLength(4)
      const leased = (await world.rows()).filter(({ status }) => status === 'processing').map(({ id }) => id)
      expect(leased.toSorted()).toEqual(taken.toSorted())
    })
  })

  it('are held where there is none, and get the next ones', async () => {
    const waiting = Promise.all(Array.from({ length: 4 }, (_, n) => acquire({ worker_id: `w${n}`, wait_seconds: 60 })))
    const jobs = await Promise.all(Array.from({ length: 4 }, () => workerOf(world.post).enqueue()))
    expect((await waiting).flatMap(idsOf).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted())
  })
})

describe('completions at the same time', () => {
  it('do not wait for the row of another one, which an open transaction has locked', async () => {
    const world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '60' })
    const other = postgres(world.env.JOBS_DB_URL ?? '', { max: 1 })
    try {
      const complete = completeIn(world)
      await world.jobs(8, { status: 'queued' })
      const [slow, ...good] = await workerOf(world.post).lease({ limit: 8 })
      if (!slow) throw new Error('no job was leased')
      const letGo = await holding(other, (tx) => tx`select from jobs where id = ${slow.id}::bigint for update`)
      let isOver = false
      const waiting = complete(slow).finally(() => {
        isOver = true
      })
      const answers = await Promise.all(good.map((job) => complete(job)))
      expect(answers.map(({ status }) => status)).toEqual(good.map(() => 200))
      expect(isOver).toBe(false)
      await letGo()
      expect(await waiting).toMatchObject({ status: 200, body: { id: slow.id, status: 'completed' } })
    } finally {
      await other.end()
      await world.stop()
    }
  })

  it('are not kept by those of another scope, whose statement waits', async () => {
    const world = await openScopedWorld('postgres')
    const other = postgres(world.env.JOBS_DB_URL ?? '', { max: 1 })
    try {
      const complete = completeIn(world)
      await world.jobs(4, { status: 'queued', domain: 'chatbooks' })
      await world.jobs(4, { status: 'queued', domain: 'tales' })
      await world.sql.unsafe(`
        create function hold() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(4711); return new; end $$;
        create trigger hold before update on jobs for each row
          when (old.domain = 'tales' and old.status = 'processing') execute function hold()`)
      const token = await makeScoped(world.sql, 'worker', { domains: ['chatbooks'] })
      const worker = workerOf((path, body) => world.post(path, body, bearer(token)))
      const [own, slow] = [
        await worker.lease({ limit: 4 }),
        await workerOf(world.post).lease({ domain: 'tales', limit: 4 }),
      ]
      const letGo = await holding(other, (tx) => tx`select pg_advisory_xact_lock(4711)`)
      let over = 0
      const waiting = slow.map((job) => complete(job).finally(() => over++))
      const answers = await Promise.all(own.map((job) => complete(job, {}, bearer(token))))
      expect(answers.map(({ status }) => status)).toEqual(own.map(() => 200))
      expect(over).toBe(0)
      await letGo()
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(slow.map(() => 200))
    } finally {
      await other.end()
      await world.stop()
    }
  })

  it('stay each within the scope of its token', async () => {
    const world = await openScopedWorld('postgres')
    try {
      const complete = completeIn(world)
      await world.jobs(4, { status: 'queued', domain: 'chatbooks' })
      await world.jobs(4, { status: 'queued', domain: 'tales' })
      const worker = workerOf(world.post)
      const jobs = [...(await worker.lease({ limit: 4 })), ...(await worker.lease({ domain: 'tales', limit: 4 }))]
      // Leases that belong to no token: the scope alone decides.
      await world.sql`update jobs set lease_id = gen_random_uuid()::text`
      const rows = await world.sql<{ id: number; lease_id: string }[]>`select id, lease_id from jobs`
      const leases = new Map(rows.map(({ id, lease_id }) => [id, lease_id]))
      const [chatbooks, tales, all] = [
        await makeScoped(world.sql, 'worker', { domains: ['chatbooks'] }),
        await makeScoped(world.sql, 'worker', { domains: ['tales'] }),
        await makeToken(world.sql, 'all', 'worker'),
      ]
      const callers = [chatbooks, tales, all, chatbooks, chatbooks, tales, all, tales]
      const answers = await Promise.all(
        jobs.map((job, n) => complete({ ...job, lease_id: leases.get(job.id) ?? '' }, {}, bearer(callers[n] ?? ''))),
      )
      expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 200, 404, 200, 200, 200])
    } finally {
      await world.stop()
    }
  })
})
