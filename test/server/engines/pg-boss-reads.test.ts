import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, oddQueues, schemaVersions } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'

const schema = `Queues "of" O'Brien`

describe.each(schemaVersions)('the jobs of pg-boss with schema %i', (version) => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version, schema })
    await fillPgBoss({ sql, version, schema })
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })

  const get = async (path: string, query: Record<string, string> = {}) => {
    const search = new URLSearchParams(query).toString()
    const url = `${path}${search === '' ? '' : `?${search}`}`
    return call({ url: server.url, method: 'GET', path: url, headers: { 'x-api-key': 'key' } })
  }

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
})

/** The key of a job, written down apart from the code that makes it. */
const keyOf = ({ name, id }: { name: string; id: string }): string =>
  `${name.replaceAll('%', '%25').replaceAll('/', '%2F').replaceAll('\u0007', '%07')}/${id}`
