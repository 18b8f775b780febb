import { request } from 'undici'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { until } from '../../support/poll.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe.each(kinds)('rows and rules that other programs leave, on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  it('jobs with a time of -infinity are old, and are listed without a date', async () => {
    await world.jobs(1)
    await world.sql`update jobs set completed_at = '-infinity'`
    const preview = { domain: 'chatbooks', dry_run: true, detail_top_k: 3, include_kept: true }
    expect(await world.post(paths.prune, preview)).toMatchObject({
      status: 200,
      body: { deleted: 1, groups: [{ count: 1, oldest: null }] },
    })
    const shown = await world.jobsctl(['prune', '--domain', 'chatbooks', '--dry-run', '-o', 'table'])
    expect(shown).toMatchObject({ code: 0, out: expect.stringContaining('1 of 1 finished jobs would be deleted') })
  })

  it('a streak that can grow no more does not keep the others from being repaired', async () => {
    await world.jobs(2, { status: 'processing', leased_until: ago(60) })
    await world.sql`
      update jobs set failure_streak_code = 'lease_expired', failure_streak_count = 2147483647
      where id = (select min(id) from jobs)`
    expect(await world.post(paths.integrity, { fix: true })).toMatchObject({ status: 200, body: { fixed: 2 } })
  })

  it('a job that was retried and then swept is as young as its sweep', async () => {
    await world.jobs(1, { status: 'queued', days: 100 })
    await world.sql`update jobs set completed_at = now() - interval '90 days'`
    expect(await world.confirm(paths.sweep, { age_seconds: 60 })).toMatchObject({ body: { affected: 1 } })
    expect(await world.post(paths.prune, { dry_run: true })).toMatchObject({ body: { deleted: 0 } })
  })

  it('a foreign key of another program refuses a prune with its table and the job, and nothing is changed', async () => {
    const [id = 0] = await world.jobs(2)
    await world.sql`create table holds (job bigint constraint legal_hold references jobs (id))`
    await world.sql`insert into holds values (${id})`
    try {
      expect(await world.confirm(paths.prune, {})).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringContaining(`holds refers to job ${id};`) },
      })
      expect(await world.count()).toBe(2)
    } finally {
      await world.sql`drop table holds`
    }
  })

  it('requeue --all leaves out the domains that no call can name, says so, and does the rest once', async () => {
    for (const domain of ['', ' padded', 'padded', 'x'.repeat(200)])
      await world.jobs(1, { status: 'quarantined', domain })
    const { code, out, err } = await world.jobsctl(['requeue', '--all', '--yes'])
    expect({ code, out }).toEqual({ code: 0, out: 'requeued 1 job in all domains\n' })
    expect(err).toContain('the API does not accept the names of these domains, which are left out: "", " padded", "xxx')
    expect(await world.sql`select domain from jobs where status = 'queued'`).toMatchObject([{ domain: 'padded' }])
  })

  it('a list that is far too long is refused with an answer that is not', async () => {
    const answer = await world.post(paths.prune, { statuses: Array.from({ length: 100_000 }, () => 'x') })
    expect(answer.status).toBe(422)
    expect(JSON.stringify(answer.body).length).toBeLessThan(1000)
  })

  it('without its tables the server is not ready, and says why', async () => {
    const other = await openWorld(kind)
    try {
      await other.sql`drop table jobs`
      expect((await other.call('GET', '/readyz')).status).toBe(503)
      expect(await other.call('GET', paths.stats)).toMatchObject({
        status: 503,
        body: { code: 'database_unavailable', detail: expect.stringContaining('lost its tables') },
      })
    } finally {
      await other.stop()
    }
  })

  it('numbers that JavaScript cannot hold reach workers and readers digit by digit', async () => {
    const numbers =
      '{"big": 1e400, "dec": 0.12345678901234567890123, "id": 1790000000000000123, "text": "a\\"b 9007199254740993"}'
    await world.sql`
      insert into jobs (domain, queue, job_type, status, payload, error_stack)
      values ('d', 'q', 't', 'queued', ${numbers}::text::jsonb, '[[18446744073709551615]]')`
    await world.sql`
      insert into job_events (domain, event_type, attrs_json) values ('d', 'other.program', ${numbers}::text::jsonb)`
    const [kept] = await world.sql<{ payload: string }[]>`select payload::text as payload from jobs`
    const text = async (method: string, path: string, body?: unknown) => {
      const answer = await request(`${world.url}${path}`, {
        ...{ method, headers: { 'x-api-key': world.key, 'content-type': 'application/json' } },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return answer.body.text()
    }
    const leased = await text('POST', jobPaths.acquire, { domain: 'd', queue: 'q', worker_id: 'w' })
    expect(leased).toContain(`"payload":${kept?.payload}`)
    expect(leased).toContain('"error_stack":[[18446744073709551615]]')
    expect(await text('GET', `${jobPaths.events}?domain=d`)).toContain(`"attrs":${kept?.payload}`)
    const stream = await request(`${world.url}${jobPaths.stream}?domain=d`, { headers: { 'x-api-key': world.key } })
    let received = ''
    for await (const chunk of stream.body) {
      received += chunk
      if (received.includes('other.program')) break
    }
    expect(received).toContain(`"attrs":${kept?.payload}`)
  })

  it.each(['9007199254740993', '9007199254740993.0', '1e400', '1e-400', '12345678901234567890.5'])(
    'a payload with %s is refused: it would come back as another',
    async (number) => {
      const body = `{"domain":"d","queue":"q","job_type":"t","payload":{"n":${number}}}`
      expect(await world.post(jobPaths.enqueue, body)).toMatchObject({
        status: 422,
        body: { detail: expect.stringContaining(`the number ${number} cannot be kept exactly`) },
      })
    },
  )

  it('a job without any time is due, after those of its priority that have one', async () => {
    await world.sql`
      insert into jobs (domain, queue, job_type, status, created_at, priority)
      values ('d', 'q', 't', 'queued', null, 5), ('d', 'q', 't', 'queued', now(), 5), ('d', 'q', 't', 'queued', now(), 7)`
    const ids = (await world.rows()).map(({ id }) => id)
    const { lease } = workerOf(world.post)
    const leased = await lease({ domain: 'd', queue: 'q', limit: 10 })
    expect(leased.map(({ id }) => id)).toEqual([ids[1], ids[0], ids[2]])
  })

  it("columns that another program calls as it likes are in nobody's way", async () => {
    const names =
      'action after as_of asked attrs before by_owner count delay doomed dropped due edge edges ended error event_type exhausted ' +
      'finish fresh gone held held_by judged kept key largest moved n needed needs next now outcome picked place reason recent ' +
      'rows seen soon streak target tier time told wait waiting'
    const columns = names.split(' ')
    await world.sql.unsafe(`alter table jobs ${columns.map((name) => `add column "${name}" text`).join(', ')}`)
    try {
      const worker = workerOf(world.post)
      const all = { domain: 'd', queue: 'q' }
      for (let n = 0; n < 6; n++) await worker.enqueue({ ...all, max_retries: 0 })
      await worker.complete(await worker.take(all))
      await worker.fail(await worker.take(all), { retryable: false })
      const held = await worker.take(all)
      await world.sql`update jobs set leased_until = now() - interval '1 minute' where id = ${held.id}`
      expect(await worker.lease(all)).toMatchObject([{}])
      await world.sql`update jobs set leased_until = now() - interval '1 minute' where status = 'processing'`
      const done = async (path: string, body: object) => (await world.confirm(path, body)).status
      expect(await done(paths.integrity, { fix: true })).toBe(200)
      await world.sql`update jobs set created_at = now() - interval '1 day', available_at = now() - interval '1 day'`
      expect(await done(paths.sweep, { age_seconds: 3600, runtime_seconds: 3600 })).toBe(200)
      await world.sql`update jobs set status = 'quarantined', quarantined_at = now() where status = 'completed'`
      expect(await done(paths.requeue, { domain: 'd' })).toBe(200)
      await world.sql`
        update jobs set completed_at = completed_at - interval '90 days', cancelled_at = cancelled_at - interval '90 days'`
      expect(await done(paths.prune, { domain: 'd' })).toBe(200)
      const ids = (
        await world.sql<{ id: number }[]>`select id from job_operations where kind <> 'integrity' order by id desc`
      ).map(({ id }) => id)
      expect(ids).toHaveLength(3)
      for (const id of ids) expect(await done(`/api/v1/jobs/operations/${id}/undo`, {})).toBe(200)
      expect((await world.call('GET', paths.stats)).status).toBe(200)
      expect(await world.count()).toBe(6)
    } finally {
      await world.sql.unsafe(`alter table jobs ${columns.map((name) => `drop column "${name}"`).join(', ')}`)
      await world.sql`truncate job_operations, job_operation_days, job_operation_rows restart identity`
    }
  })

  it('a job with thousands of levels of JSON is leased with the others', async () => {
    await world.sql`
      insert into jobs (domain, queue, job_type, status, payload)
      select 'd', 'q', 't', 'queued', (repeat('[', 6000) || repeat(']', 6000))::jsonb`
    const worker = workerOf(world.post)
    await worker.enqueue({ domain: 'd', queue: 'q' })
    // The answer itself has more levels than the test can compare.
    const { status } = await world.post(jobPaths.acquire, { domain: 'd', queue: 'q', worker_id: 'w', limit: 2 })
    expect(status).toBe(200)
    const leased = await world.sql`select from jobs where status = 'processing' and worker_id = 'w'`
    expect(leased).toHaveLength(2)
  })

  it.each([
    { what: 'a job that is due in all eternity', status: 'queued', column: 'available_at' },
    { what: 'a lease that never ends', status: 'processing', column: 'leased_until' },
  ])('$what lets a call wait beside it', async ({ status, column }) => {
    await world.sql`
      insert into jobs (domain, queue, job_type, status, ${world.sql(column)}) values ('d', 'q', 't', ${status}, 'infinity')`
    const { lease } = workerOf(world.post)
    expect(await lease({ domain: 'd', queue: 'q', wait_seconds: 1 })).toEqual([])
  })

  it('jobs whose ids JavaScript would round are left alone, and counted as skipped', async () => {
    for (const id of ['9007199254742993', '9223372036854775807', '-9007199254742993']) {
      await world.sql`
        insert into jobs (id, domain, queue, job_type, status, completed_at) values
        (${id}::text::bigint, 'd', 'q', 't', 'completed', now() - interval '90 days'),
        (${id}::text::bigint - 1000, 'd', 'q', 't', 'queued', null)`
    }
    await world.jobs(1, { domain: 'd' })
    expect(await workerOf(world.post).lease({ domain: 'd', queue: 'q' })).toEqual([])
    const dry = await world.post(paths.prune, { domain: 'd', dry_run: true })
    expect(dry).toMatchObject({ status: 200, body: { deleted: 4 } })
    const preview_token = Object(dry.body).preview.token
    expect(await world.confirm(paths.prune, { domain: 'd', preview_token })).toMatchObject({
      status: 200,
      body: { deleted: 1, skipped: 3 },
    })
  })

  it('a trigger of another program refuses under whatever code it likes', async () => {
    const worker = workerOf(world.post)
    for (const refusal of [`raise exception 'not today' using errcode = 'ZZ001'`, 'perform 1 / 0']) {
      await world.sql.unsafe(`
        create or replace function picky() returns trigger language plpgsql as $$ begin ${refusal}; return new; end $$;
        drop trigger if exists picky on jobs;
        create trigger picky before insert on jobs for each row execute function picky()`)
      const answer = await world.post(jobPaths.enqueue, { domain: 'd', queue: 'q', job_type: 't', payload: {} })
      expect(answer).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringMatching(/not today|zero/) },
      })
    }
    await world.sql`drop function picky cascade`
    await worker.enqueue({ queue: 'q' })
  })

  it('a column whose type is changed while workers work costs them another try at most', async () => {
    const worker = workerOf(world.post)
    const round = async (n: number) => {
      const { id } = await worker.enqueue({ queue: `q${n}`, priority: 1 + (n % 9) })
      const job = await worker.take({ queue: `q${n}` })
      expect(job).toMatchObject({ id, priority: 1 + (n % 9), queue: `q${n}` })
      await worker.complete(job)
    }
    const all = () => Promise.allSettled(Array.from({ length: 9 }, (_, n) => round(n)))
    for (const type of ['bigint', 'integer']) {
      expect((await all()).map(({ status }) => status)).not.toContain('rejected')
      await world.sql.unsafe(`alter table jobs alter priority type ${type}`)
      for (const ended of await all()) {
        if (ended.status === 'rejected') expect(String(ended.reason)).toContain('a table has just been altered')
      }
      await world.clear()
      await until('every session has heard of it', async () => {
        const ended = await all()
        await world.clear()
        return ended.every(({ status }) => status === 'fulfilled')
      })
    }
  })
})
