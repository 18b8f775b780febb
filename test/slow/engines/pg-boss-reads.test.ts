import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { fillPgBoss, makePgBoss, oddQueues, schemaVersions } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const schema = `Queues "of" O'Brien`

describe.each(schemaVersions)('the jobs of pg-boss with schema %i', (version) => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        await makePgBoss({ sql, version, schema })
        await fillPgBoss({ sql, version, schema })
      },
      { env: { JOBS_METRICS: 'on' } },
    )
  })
  afterAll(() => served.close())

  const get = (path: string, query?: Record<string, string>) => served.get(path, query)

  it('are counted by queue, and dead letters by the queue that they come from', async () => {
    const live = { queued: 18, scheduled: 2, processing: 10, quarantined: 0, failed: 10 }
    const { plain, dead, odd, long } = oddQueues
    const none = { queued: 0, scheduled: 0, processing: 0, quarantined: 0, failed: 0 }
    const group = (queue: string, counts: object, job_type = '') => ({ domain: schema, queue, job_type, ...counts })
    const letters = version === 24 ? [] : [group(dead, { ...none, queued: 10 }, plain)]
    const blocked = version === 24 ? live : { ...live, queued: 17, scheduled: 3 }
    const { status, body } = await get('/api/v1/jobs/stats')
    expect({ status, body }).toEqual({
      status: 200,
      body: [group(odd, live), group(dead, none), ...letters, group(plain, live), group(long, blocked)],
    })
    expect((await get('/api/v1/jobs/stats', { queue: plain })).body).toEqual([group(plain, live)])
    expect((await get('/api/v1/jobs/stats', { domain: schema, job_type: plain })).body).toEqual(letters)
    expect((await get('/api/v1/jobs/stats', { domain: 'pgboss' })).body).toEqual([])
  })

  const jobs = () => sql<
    { name: string; id: string; state: string; created_on: Date; priority: number; completed_on: Date | null }[]
  >`
    select name, id, state::text as state, created_on, priority, completed_on from ${sql(`${schema}.job`)}`
  /** The rows of all pages of a list, and the number of pages. */
  const pagesOf = async (query: Record<string, string>) => {
    const ids: string[] = []
    let path = `/api/v1/jobs/list?${new URLSearchParams(query)}`
    for (let pages = 1; ; pages++) {
      const { status, body, headers } = await get(path)
      expect({ status, complete: headers['x-complete'] }).toEqual({ status: 200, complete: 'true' })
      ids.push(
        ...z
          .array(z.object({ id: z.string() }))
          .parse(body)
          .map(({ id }) => id),
      )
      const next = /<\?([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1]
      if (next === undefined) return { ids, pages }
      path = `/api/v1/jobs/list?${next}`
    }
  }

  it.each([
    [{ sort_by: 'created_at' }],
    [{ sort_by: 'created_at', sort_order: 'asc' }],
    [{ sort_by: 'ended_at' }],
    [{ sort_by: 'completed_at', sort_order: 'asc' }],
    [{ sort_by: 'priority' }],
    [{ sort_by: 'status', sort_order: 'asc' }],
  ])('are listed once each, page after page: %o', async (query) => {
    const all = await jobs()
    const { ids, pages } = await pagesOf({ ...query, limit: '7' })
    expect(pages).toBe(Math.ceil(all.length / 7))
    expect(ids.toSorted()).toEqual(all.map(keyOf).toSorted())
  })

  it('are listed in the order of the time, and by state, queue and error', async () => {
    const all = (await jobs()).toSorted((one, other) => other.created_on.getTime() - one.created_on.getTime())
    const timesOf = (ids: readonly string[]) =>
      ids.map((id) => all.find((job) => keyOf(job) === id)?.created_on.getTime() ?? 0)
    const { ids } = await pagesOf({ limit: '1000' })
    expect(timesOf(ids)).toEqual(all.map(({ created_on }) => created_on.getTime()))
    const keysWhere = (is: (job: (typeof all)[number]) => boolean) => all.filter(is).map(keyOf).toSorted()
    const listed = async (query: Record<string, string>) => (await pagesOf({ ...query, limit: '3' })).ids.toSorted()
    expect(await listed({ status: 'failed' })).toEqual(keysWhere(({ state }) => state === 'failed'))
    expect(await listed({ status: 'queued,processing' })).toEqual(
      keysWhere(({ state }) => ['created', 'retry', 'active'].includes(state)),
    )
    expect(await listed({ status: 'cancelled' })).toEqual(keysWhere(({ state }) => state === 'cancelled'))
    expect(await listed({ status: 'quarantined' })).toEqual([])
    expect(await listed({ queue: oddQueues.plain, status: 'failed' })).toEqual(
      keysWhere(({ name, state }) => name === oddQueues.plain && state === 'failed'),
    )
    expect(await listed({ error: 'from 10.0.0.10' })).toHaveLength(6)
    expect(await listed({ error: 'is a result' })).toEqual([])
  })

  it('are found by keys and by bare uuids', async () => {
    const [one, other] = (await jobs()).filter(({ name }) => name === oddQueues.odd)
    if (!one || !other) throw new Error('there are no such jobs')
    const listed = async (ids: string[]) => (await pagesOf({ ids: ids.join(',') })).ids.toSorted()
    expect(await listed([keyOf(one), other.id.toUpperCase(), `mail/${one.id}`, randomUUID()])).toEqual(
      [keyOf(one), keyOf(other)].toSorted(),
    )
  })

  it('are shown by their key, and by their uuid alone', async () => {
    for (const queue of [oddQueues.odd, oddQueues.long]) {
      const job = (await jobs()).find(({ name, state }) => name === queue && state === 'failed')
      if (!job) throw new Error('there is no such job')
      const shown = {
        id: keyOf(job),
        ...{ uuid: job.id, domain: schema, queue, status: 'failed', retry_count: 2, error_class: 'TypeError' },
        error_message: expect.stringMatching(/^no answer from /),
        result: null,
        archived: false,
      }
      for (const key of [keyOf(job), job.id, job.id.toUpperCase()])
        expect(await get('/api/v1/jobs/job', { key })).toMatchObject({ status: 200, body: shown })
    }
    for (const key of [`mail/${randomUUID()}`, randomUUID(), 'no-uuid', 'mail/1'])
      expect((await get('/api/v1/jobs/job', { key })).status).toBe(404)
  })

  it('explain why they do not run', async () => {
    const codesOf = async (key: string) => {
      const { status, body } = await get('/api/v1/jobs/job/explain', { key })
      expect(status).toBe(200)
      return JobExplained.parse(body).reasons.map(({ code }) => code)
    }
    const ofState = async (state: string) => {
      const job = (await jobs()).find((one) => one.name === oddQueues.odd && one.state === state)
      return job ? codesOf(keyOf(job)) : []
    }
    expect(await ofState('failed')).toContain('retries_used_up')
    expect(await ofState('completed')).toEqual(['finished'])
    expect(await ofState('active')).toContain('lease_over')
    const table = sql(`${schema}.job`)
    const made = await sql<{ name: string; id: string }[]>`
      insert into ${table} (name, state, policy, keep_until, priority)
      values
        ('without jobs', 'active', 'singleton', now() + interval '1 day', 0),
        ('without jobs', 'created', 'singleton', now() - interval '1 second', 1),
        ('without jobs', 'created', null, now() + interval '1 day', 2)
      returning name, id`
    try {
      const [, waiting, first] = made
      const key = keyOf(waiting ?? { name: '', id: '' })
      expect(await codesOf(key)).toEqual(expect.arrayContaining(['slot_taken', 'retention_over']))
      const { body } = await get('/api/v1/jobs/job/explain', { key })
      expect(JobExplained.parse(body).place).toMatchObject({ ahead: 1, exact: true })
      if (version === 24 || !first) return
      const [failed] = (await jobs()).filter(({ state }) => state === 'failed')
      await sql`update ${table} set blocked = true, pending_dependencies = 2 where id = ${first.id}`
      await sql`
        insert into ${sql(`${schema}.job_dependency`)}
        values ('without jobs', ${first.id}, ${failed?.name ?? ''}, ${failed?.id ?? ''}),
          ('without jobs', ${first.id}, 'mail', gen_random_uuid())`
      expect(await codesOf(keyOf(first))).toEqual(expect.arrayContaining(['dependency_ended', 'dependency_gone']))
    } finally {
      await sql`delete from ${table} where name = 'without jobs'`
    }
  })

  it('have their failures in clusters, whose jobs a list finds again', async () => {
    const { status, body } = await get('/api/v1/jobs/clusters')
    expect(status).toBe(200)
    const { clusters } = Clusters.parse(body)
    expect(clusters.map(({ status, count, pattern }) => [status, count, pattern])).toEqual([
      ['failed', 30, 'no answer from #'],
      ['retrying', 30, 'no answer from #'],
    ])
    for (const { cluster, count, sample_ids } of clusters) {
      const { ids } = await pagesOf({ cluster })
      expect(ids).toHaveLength(count)
      expect(ids).toEqual(expect.arrayContaining(sample_ids))
      expect(sample_ids.length).toBeGreaterThan(0)
    }
  })

  it('explain why a queue stands still', async () => {
    const explain = async (queue: string) => {
      const { status, body } = await get('/api/v1/jobs/queues/explain', { domain: schema, queue })
      expect(status).toBe(200)
      return Explained.parse(body)
    }
    const [oldest] = await sql<{ name: string; id: string }[]>`
      select name, id from ${sql(`${schema}.job`)}
      where name = ${oddQueues.plain} and state in ('created', 'retry') and start_after <= now()
      order by start_after limit 1`
    const mail = await explain(oddQueues.plain)
    expect(mail).toMatchObject({ due: 18, scheduled: 2, processing: 10, leased: 10 })
    // Its jobs may have been deleted.
    const { body } = await get('/api/v1/jobs/queues/explain', { domain: schema, queue: 'without jobs' })
    expect(body).toMatchObject({ status: 404, detail: `no job is in ${schema}/without jobs now` })
    // Their leases are over.
    expect(mail.sentence).toMatch(/, 10 running\./)
    expect(mail.oldest_wait?.id).toBe(oldest && keyOf(oldest))
    const codes = mail.reasons.map(({ code }) => code)
    // Only 12.38 has the indexes by which the last pick-up is found at once.
    expect(codes).toEqual(version === 46 ? ['no_worker'] : [])
    if (version === 24) return
    await sql`update ${sql(`${schema}.job`)} set blocked = true where name = ${oddQueues.dead} and state = 'created'`
    try {
      const { reasons } = await explain(oddQueues.dead)
      expect(reasons.find(({ code }) => code === 'all_blocked')?.sentence).toContain('all 10 jobs')
    } finally {
      await sql`update ${sql(`${schema}.job`)} set blocked = false where name = ${oddQueues.dead}`
    }
  })

  it('have the workers that the engine knows, and one without a name for the rest', async () => {
    if (version === 46)
      await sql`
        insert into ${sql(`${schema}.instance`)} (id, name, host, pid, version, workers)
        select gen_random_uuid(), name, 'h', 1, '12.38.0', workers::jsonb
        from (values
          ('api', ${JSON.stringify([{ queue: oddQueues.plain, active: 4, lastFetchedOn: '2026-12-07T12:30:09.007Z' }])}::text), ('idle', '[]')
        ) as instances (name, workers)`
    const { status, body } = await get('/api/v1/jobs/workers')
    const known =
      version === 46
        ? [{ worker_id: 'api', leases: 4, expired: null, queues: [{ domain: schema, queue: 'mail' }] }]
        : []
    expect({ status, body }).toMatchObject({
      status: 200,
      body: [{ worker_id: null, leases: version === 46 ? 26 : 30, expired: 30 }, ...known],
    })
  })

  it('have leases that are over, by queue', async () => {
    const { body } = await get('/api/v1/jobs/stale')
    const { plain, odd, long } = oddQueues
    expect(body).toMatchObject([odd, plain, long].map((queue) => ({ domain: schema, queue, count: 10 })))
  })

  it('are not erased without records, nor is an erasure previewed, which counts what records have', async () => {
    const { status, body } = await served.post('erase', { domain: schema, owner_user_id: 'ann', dry_run: true })
    const code = version === 24 ? { status: 422, code: 'not_supported' } : { status: 403, code: 'records_missing' }
    expect({ status, body }).toMatchObject({ status: code.status, body: { code: code.code } })
  })

  it('are counted by metrics, without anything being written', async () => {
    const { status, body } = await get('/metrics/jobs')
    expect(status).toBe(200)
    expect(body).toMatch(/queue="mail"[^\n]* 18\n/)
    expect(body).toMatch(/jobsctl_oldest_ready_age_seconds\{[^}]*queue="mail"\} \d{4,}/)
  })
})

const Clusters = z.object({
  clusters: z.array(
    z.object({
      cluster: z.string(),
      status: z.string(),
      count: z.number(),
      pattern: z.string(),
      sample_ids: z.array(z.string()),
    }),
  ),
})

const JobExplained = z.looseObject({
  reasons: z.array(z.object({ code: z.string() })),
  place: z.looseObject({ ahead: z.number() }).nullable(),
})

const Explained = z.looseObject({
  oldest_wait: z.object({ id: z.string() }).nullable(),
  sentence: z.string(),
  reasons: z.array(z.object({ code: z.string(), sentence: z.string() })),
})

/** The key of a job, written down apart from the code that makes it. */
const keyOf = ({ name, id }: { name: string; id: string }): string =>
  `${name.replaceAll('%', '%25').replaceAll('/', '%2F').replaceAll('\u0007', '%07')}/${id}`
