import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { at, clearAll, requeue } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import type { Answer } from '../../support/http.ts'
import { pageAfter } from '../../support/list.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const path = { list: '/api/v1/jobs/archive/list', meta: '/api/v1/jobs/archive/meta' }
const day = 24 * 3600 * 1000

const Listed = z.array(z.looseObject({ operation_id: z.number(), jobs: z.number(), kept_until: z.string() }))
const idsOf = ({ body }: Answer) => Listed.parse(body).map(({ operation_id }) => operation_id)

describe.each(kinds)('what the archive says about itself on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_ARCHIVE_DAYS: '7' })
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const list = (query = '') => world.call('GET', `${path.list}${query}`)
  const meta = (query: string) => world.call('GET', `${path.meta}?${query}`)

  it('what can still be given back: by operation, with its scope, and until when', async () => {
    await world.jobs(3)
    await world.confirm(paths.prune, { domain: 'chatbooks' }, { 'x-reason': 'nightly' })
    await world.jobs(2, { status: 'quarantined' })
    await world.confirm(requeue.path, { domain: 'chatbooks', queue: 'default' })
    await world.jobs(2, { status: 'processing', leased_until: null })
    await world.post(paths.integrity, { fix: true })
    const { status, body, headers } = await list()
    expect({ status, body }).toMatchObject({
      status: 200,
      body: [
        { operation_id: 2, kind: 'requeue', state: 'done', domain: 'chatbooks', queue: 'default', jobs: 2 },
        { operation_id: 1, kind: 'prune', state: 'done', domain: 'chatbooks', queue: null, jobs: 3, reason: 'nightly' },
      ],
    })
    for (const { kept_until } of Listed.parse(body)) {
      expect(Date.parse(kept_until) - Date.now()).toBeGreaterThan(7 * day - 600_000)
      expect(Date.parse(kept_until) - Date.now()).toBeLessThanOrEqual(7 * day)
    }
    expect(headers.link).toBeUndefined()
    expect(idsOf(await list('?queue=default'))).toEqual([2])
    expect(idsOf(await list('?domain=other'))).toEqual([])
  })

  it('is kept until the end of a hold over the operation, where that is after the term', async () => {
    await world.jobs(2)
    await world.confirm(paths.prune, {})
    const keptUntil = async () => Listed.parse((await list()).body).map(({ kept_until }) => Date.parse(kept_until))
    const term = await keptUntil()
    const hold = (days: number) => {
      const until = new Date(Date.now() + days * day).toISOString()
      return world.post('/api/v1/jobs/holds', { operation_id: 1, until }).then(() => Date.parse(until))
    }
    await hold(2)
    expect(await keptUntil()).toEqual(term)
    const end = await hold(30)
    expect(await keptUntil()).toEqual([end])
  })

  it('is what an undo has left, and nothing once all is given back', async () => {
    await world.jobs(3)
    await world.confirm(paths.prune, {})
    const [first] = await world.sql<{ id: number }[]>`select id from jobs_archive order by id limit 1`
    await world.sql`insert into jobs (id, domain, queue, job_type, status) values (${first?.id ?? 0}, 'd', 'q', 't', 'queued')`
    await world.confirm(at.undo(1), {})
    expect((await list()).body).toMatchObject([{ operation_id: 1, state: 'undone', jobs: 1 }])
    await world.sql`delete from jobs where domain = 'd'`
    await world.confirm(at.undo(1), {})
    expect((await list()).body).toEqual([])
  })

  it('keeps an operation by its own term, and lists neither rows of other programs nor a running operation', async () => {
    await world.jobs(1)
    await world.confirm(paths.prune, {})
    await world.sql`
      insert into jobsctl_operation_terms (operation_id, archive_days) values (1, 30)
      on conflict (operation_id) do update set archive_days = 30`
    await world.sql`insert into jobs_archive (id, domain, queue, job_type, status) values (77, 'd', 'q', 't', 'failed')`
    const [kept] = Listed.parse((await list()).body)
    expect(Date.parse(kept?.kept_until ?? '') - Date.now()).toBeGreaterThan(29 * day)
    await world.sql`update job_operations set ended_at = null`
    await world.sql`update jobs_archive set archived_at = null`
    expect((await list()).body).toMatchObject([{ ended_at: null, kept_until: expect.any(String) }])
    await world.sql`update job_operations set state = 'running'`
    expect((await list()).body).toEqual([])
    await world.sql`delete from job_operations`
    expect((await list()).body).toEqual([])
  })

  it('comes in pages, the newest first, also where most operations are of another scope', async () => {
    await world.sql`
      insert into job_operations (kind, domain, filters, as_of, seen, caller, request_hash, affected, state, ended_at)
      select 'prune', case when n % 400 = 1 then 'rare' else 'd' end, '{}', now(), '', 'c', '', 1, 'done', now()
      from generate_series(1, 2500) as n`
    await world.sql`
      insert into jobs_archive (id, operation_id, domain, queue, job_type, status)
      select id, id, domain, 'q', 't', 'completed' from job_operations where id % 2 = 1`
    await world.sql`
      insert into job_operation_rows (operation_id, job_id, before, after)
      select id, id, '{}', '{}' from job_operations where id % 2 = 0 or id % 10 = 1`
    const walk = async (query: string) => {
      const found: number[] = []
      let pages = 0
      for (let next: URLSearchParams | undefined = new URLSearchParams(query); next; pages++) {
        const page = await list(`?${next}`)
        found.push(...idsOf(page))
        next = pageAfter(page, 'next')
      }
      return { found, pages }
    }
    const all = Array.from({ length: 2500 }, (_, n) => 2500 - n)
    expect(await walk('')).toEqual({ found: all, pages: 25 })
    expect((await walk('limit=1000')).found).toEqual(all)
    const rare = await walk('domain=rare&limit=2')
    expect(rare.found).toEqual([2401, 2001, 1601, 1201, 801, 401, 1])
    for (const query of ['limit=0', 'limit=1001', 'before_id=0', 'cursor=x', 'job_id=1'])
      expect((await list(`?${query}`)).status).toBe(422)
  })

  it('says which values an archived job has, plain and compressed', async () => {
    const [plain = 0] = await world.jobs(1, { payload: { a: 1 } })
    await world.confirm(paths.prune, {})
    await world.sql`
      insert into jobs_archive (id, domain, queue, job_type, status, payload, result, result_compressed)
      values (900, 'd', 'q', 't', 'failed', null, 'null', ${gzipSync('[]')})`
    await world.sql`
      insert into jobs_archive (id, domain, queue, job_type, status, payload_compressed, archived_at)
      values (901, 'd', 'q', 't', 'failed', ${gzipSync('{}')}, now()), (901, 'd', 'q', 't', 'failed', null, now() - interval '1 day')`
    expect(await meta(`job_id=${plain}`)).toMatchObject({
      status: 200,
      body: {
        ...{ job_id: plain, payload_present: true, result_present: false },
        ...{ payload_compressed_present: false, result_compressed_present: false },
      },
    })
    expect((await meta('job_id=900&domain=d')).body).toEqual({
      ...{ job_id: 900, payload_present: false, result_present: true },
      ...{ payload_compressed_present: false, result_compressed_present: true },
    })
    expect((await meta('job_id=901')).body).toMatchObject({ payload_compressed_present: true })
    for (const query of ['job_id=902', 'job_id=900&domain=other'])
      expect(await meta(query)).toMatchObject({ status: 404, body: { code: 'not_found' } })
    for (const query of ['', 'job_id=x', 'job_id=0', 'job_id=9999999999999999999', 'job_id=1&id=2'])
      expect((await meta(query)).status).toBe(422)
    expect((await meta('')).body).toMatchObject({ errors: [{ path: 'job_id', message: 'is required' }] })
  })
})
