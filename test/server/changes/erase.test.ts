import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Preview } from '../../../shared/changes/bulk-change.ts'
import { at, clearAll, codeOf, doneOf, expectIntact, recordOf } from '../../support/changes/bulk-tools.ts'
import { acceptedOf, endOf, withoutCaller } from '../../support/changes/detached.ts'
import { kinds } from '../../support/database/database.ts'
import { rowsWith } from '../../support/database/rows-with.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const path = '/api/v1/jobs/erase'
const domain = { domain: 'chatbooks' }
const value = 'ann.lee+7@example.test'
const own = { owner_user_id: value }
const inPayload = { 'payload.customer.email': value }
const ofHers = { ...own, payload: { customer: { email: value } } }
const ofBob = { owner_user_id: 'bob', payload: { customer: { email: 'bob@example.test' } } }
const kinds6 = ['completed', 'failed', 'cancelled', 'quarantined', 'queued']

const Erased = z.looseObject({
  affected: z.number(),
  operation_id: z.number().optional(),
  skipped: z.number().optional(),
  filter_hash: z.string(),
})

describe.each(kinds)('an erasure on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const erase = async (body: object, headers = {}) => {
    const { status, body: answer } = await world.confirm(path, body, headers)
    expect(status, JSON.stringify(answer)).toBe(200)
    return Erased.parse(answer)
  }
  const previewed = async (body: object) => {
    const answer = await world.post(path, { ...body, dry_run: true })
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return { ...z.object({ preview: Preview }).parse(answer.body), ...Erased.parse(answer.body) }
  }
  const idsLeft = async () => (await world.rows()).map(({ id }) => id)

  const eventsOf = (ids: readonly number[], owner: string) => world.sql`
    insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json, owner_user_id)
    select id, 'chatbooks', 'default', 'export', 'job.created', jsonb_build_object('caller', ${owner}::text), ${owner}
    from unnest(${ids.map(String)}::text[]::bigint[]) as id`
  const logsOf = (ids: readonly number[]) => world.sql`
    insert into job_attachments (job_id, kind, content_text)
    select id, 'log', ${value} from unnest(${ids.map(String)}::text[]::bigint[]) as id`

  /** Two jobs in the archive, two that were retried and have row images, and one that waits, each with events and attachments. */
  async function everywhere() {
    const pruned = await world.jobs(2, { ...ofHers, queue: 'pruned' })
    await eventsOf(pruned, value)
    await logsOf(pruned)
    const prune = doneOf(await world.confirm(paths.prune, { ...domain, queue: 'pruned' }))
    const failed = await world.jobs(2, { ...ofHers, status: 'failed', error_message: `no account ${value}` })
    doneOf(await world.confirm('/api/v1/jobs/batch/retry', { ids: failed }))
    const waiting = await world.jobs(1, { ...ofHers, status: 'queued', progress_message: value })
    await eventsOf([...failed, ...waiting], value)
    await logsOf([...failed, ...waiting])
    return { jobs: [...failed, ...waiting], pruned, prune: prune.operation ?? 0 }
  }

  it('leaves no row with the value, wherever a job was, and the records stay intact', async () => {
    const { jobs, prune } = await everywhere()
    await eventsOf([900_001, 900_002], value)
    await world.sql`insert into job_events (event_type, owner_user_id) values ('theirs', ${value})`
    await world.sql`
      insert into jobsctl_worker_marks (domain, queue, worker_id, filter, owner_user_id) values ('chatbooks', 'q', 'w', 'f', ${value})`
    const [other = 0] = await world.jobs(1, ofBob)
    await eventsOf([other], 'bob')
    expect((await rowsWith(world.sql, value)).length).toBeGreaterThan(15)

    const { preview, ...before } = await previewed(own)
    expect(preview).toMatchObject({ count: 8, owners: [], restorable: 0, no_way_back: 'the jobs are erased for good' })
    expect(JSON.stringify({ preview, before })).not.toContain(value)
    expect(Buffer.from(preview.token, 'base64url').toString()).not.toContain(value)
    expect(await idsLeft()).toEqual([...jobs, other])

    const answer = await erase({ ...own, preview_token: preview.token })
    expect(answer).toMatchObject({
      ...{ affected: 8, skipped: 0, filter_hash: before.filter_hash },
      erased: { jobs: 3, archived: 2, gone: 3, row_images: 2, attachments: 3 },
      ...{ passed_over: { running: 0, held: 0, unreadable: 0 }, named_in: { count: 0, operations: [] } },
    })
    expect(await rowsWith(world.sql, value)).toEqual([])
    expect(world.log.join('\n')).not.toContain(value)
    expect(await idsLeft()).toEqual([other])
    const [kept] = await world.sql`select owner_user_id, attrs_json from job_events where job_id = ${other}::bigint`
    expect(kept).toEqual({ owner_user_id: 'bob', attrs_json: { caller: 'bob' } })
    const steps = await world.sql`
      select distinct attrs_json from job_events where job_id = any(${jobs.map(String)}::text[]::bigint[])`
    expect([...steps]).toEqual([{ attrs_json: { erased: true } }])
    await expectIntact(world)

    expect(await recordOf(world, answer.operation_id)).toMatchObject({
      ...{ kind: 'erase', state: 'done', affected: 8, previewed: 8, no_way_back: 'the jobs are erased for good' },
      filters: { by: ['owner_user_id'], filter_hash: before.filter_hash },
      counts: { jobs: 3, archived: 2, gone: 3 },
    })
    for (const id of [answer.operation_id ?? 0, prune]) expect((await world.confirm(at.undo(id), {})).status).toBe(409)
  })

  it('leaves the jobs where only copies are erased, and then no undo brings one back', async () => {
    const { jobs, pruned, prune } = await everywhere()
    await eventsOf([900_001], value)
    const { preview } = await previewed({ ...own, copies_only: true })
    expect(preview).toMatchObject({ count: 3 })
    const answer = await erase({ ...own, copies_only: true, preview_token: preview.token })
    expect(answer).toMatchObject({ affected: 3, erased: { jobs: 0, archived: 2, gone: 1, row_images: 0 } })
    expect(await idsLeft()).toEqual(jobs)
    expect((await world.confirm(at.undo(prune), {})).status).toBe(409)
    const left = await world.sql`
      select from job_events where job_id = any(${pruned.map(String)}::text[]::bigint[]) and owner_user_id is not null`
    expect(left).toHaveLength(0)
    expect(await erase({ ...own, copies_only: true })).toMatchObject({ affected: 0 })
    expect(await erase(own)).toMatchObject({ affected: 3, erased: { jobs: 3 } })
    expect(await rowsWith(world.sql, value)).toEqual([])
  })

  it('finds jobs by a value of their payload, in every state but running, and tells of those', async () => {
    for (const status of kinds6) await world.jobs(1, { ...ofHers, owner_user_id: 'bob', status })
    const running = await world.jobs(2, { ...ofHers, owner_user_id: null, status: 'processing' })
    const others = await world.jobs(1, ofBob)
    await world.jobs(1, { ...ofHers, queue: 'pruned' })
    doneOf(await world.confirm(paths.prune, { ...domain, queue: 'pruned' }))
    const unreadable = { payload_compressed: '\\x00', id: 77 }
    await world.sql`
      insert into jobs_archive (id, uuid, domain, queue, job_type, status, payload_compressed)
      values (${unreadable.id}, 'packed', 'chatbooks', 'default', 'export', 'failed', ${unreadable.payload_compressed}::text::bytea)`
    const answer = await erase(inPayload)
    expect(answer).toMatchObject({
      ...{ affected: 6, erased: { jobs: 5, archived: 1, gone: 0 } },
      passed_over: { running: 2, held: 0, unreadable: 1 },
    })
    expect(await idsLeft()).toEqual([...running, ...others])
    await world.sql`update jobs set status = 'completed' where status = 'processing'`
    expect(await erase(inPayload)).toMatchObject({ affected: 2 })
    await world.sql`delete from jobs_archive`
    expect(await rowsWith(world.sql, value)).toEqual([])
  })

  it('finds jobs by their ids, within a scope, and what is left of ids whose jobs are gone', async () => {
    const mine = await world.jobs(2, ofHers)
    const elsewhere = await world.jobs(1, { ...ofHers, domain: 'media' })
    await eventsOf([800_001], value)
    const answer = await erase({ ...domain, ids: [...mine, ...elsewhere, 800_001] })
    expect(answer).toMatchObject({ affected: 3, erased: { jobs: 2, gone: 1 } })
    expect(await idsLeft()).toEqual(elsewhere)
    expect((await recordOf(world, answer.operation_id)).filters).toMatchObject({ by: ['ids'], id_count: 4 })
    expect(await erase({ ...domain, ids: mine })).toMatchObject({ affected: 0 })
    expect(await erase({ ids: [800_001] })).toMatchObject({ affected: 0 })
  })

  it('cancels what depends on an erased job, and erases it where it belongs to the same person', async () => {
    const [root = 0] = await world.jobs(1, { ...ofHers, uuid: 'root', status: 'queued' })
    const [between = 0] = await world.jobs(1, { ...ofBob, uuid: 'between', status: 'queued' })
    await world.jobs(1, { ...ofHers, uuid: 'leaf', status: 'queued' })
    const [free = 0] = await world.jobs(1, { ...ofBob, uuid: 'free', status: 'queued' })
    await world.jobs(1, { ...ofHers, uuid: 'ended', status: 'completed' })
    for (const [job, needs] of [
      ['between', 'root'],
      ['leaf', 'between'],
      ['free', 'ended'],
    ] as const)
      await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${job}, ${needs})`
    // One batch has the root alone, so that the leaf is cancelled before its own batch.
    const { preview } = await previewed(own)
    expect(preview).toMatchObject({ count: 3, dependents: 1 })
    const done = await erase({ ...own, preview_token: preview.token, rate: 1 })
    expect(done).toMatchObject({ affected: 3, dependents: 1, skipped: 0 })
    expect(await recordOf(world, done.operation_id ?? 0)).toMatchObject({ counts: { affected: 3, dependents: 1 } })
    expect((await world.rows()).map(({ id, status }) => [id, status])).toEqual([
      [between, 'cancelled'],
      [free, 'queued'],
    ])
    expect(root).toBeLessThan(between)
  })

  it('names the records that have the value, since their text is sealed, and takes no reason that has it', async () => {
    await world.jobs(2, ofHers)
    const { operation } = doneOf(await world.confirm(paths.prune, { ...domain, ...own }))
    await world.jobs(1, ofHers)
    const before = await world.fingerprint()
    for (const [header, text] of [
      ['x-reason', `erase ${value.toUpperCase()}, ticket 7`],
      ['idempotency-key', `erase-${value}`],
    ] as const) {
      const refused = await world.confirm(path, own, { [header]: text })
      expect(refused, header).toMatchObject({
        status: 422,
        body: { detail: expect.stringContaining('nothing was changed') },
      })
      expect(JSON.stringify({ ...refused, headers: {} }).toLowerCase()).not.toContain(value)
    }
    const id = await world.confirm(path, { owner_user_id: 'ann-lee' }, { 'x-request-id': 'erase-ann-lee-1' })
    expect(codeOf(id)).toBe('422 invalid_request')
    expect(await world.fingerprint()).toBe(before)
    const answer = await erase(own, { 'x-reason': 'ticket 7' })
    expect(answer).toMatchObject({ affected: 3, named_in: { count: 1, operations: [operation] } })
    await expectIntact(world)
    expect((await rowsWith(world.sql, value)).every((row) => /job_operations:|jobs\.pruned/.test(row))).toBe(true)
    expect(await previewed({ owner_user_id: 'ann.lee' })).toMatchObject({ named_in: { count: 1 } })
    expect(await previewed({ owner_user_id: 'nn.lee' })).toMatchObject({ named_in: { count: 0 } })
  })

  it('is bound to its preview, its filter and its key, and keeps to max', async () => {
    await world.jobs(2, ofHers)
    const { preview, filter_hash } = await previewed(own)
    const [later] = await world.jobs(1, ofHers)
    const stale = { ...domain, ...own, preview_token: preview.token }
    expect(codeOf(await world.confirm(path, stale))).toBe('409 preview_stale')
    expect(codeOf(await world.confirm(path, { ...own, max: 2 }))).toBe('412 limit_exceeded')
    const key = { 'idempotency-key': 'once' }
    const bound = { ...own, preview_token: preview.token }
    const first = await erase(bound, key)
    expect(first).toMatchObject({ affected: 2, filter_hash })
    expect(await idsLeft()).toEqual([later])
    expect(await erase(bound, key)).toEqual(first)
    expect(codeOf(await world.confirm(path, { owner_user_id: 'bob', preview_token: preview.token }, key))).toMatch(
      /^409/,
    )
    expect(codeOf(await world.confirm(path, { owner_user_id: 'bob' }, key))).toBe('409 conflict')
    expect(codeOf(await world.post(path, own))).toMatch(/confirmation_required$/)
  })

  it('passes over what a hold keeps, and tells of it', async () => {
    const held = await world.jobs(1, ofHers)
    await world.jobs(2, { ...ofHers, queue: 'pruned' })
    await world.jobs(1, { ...ofHers, queue: 'free' })
    const { operation } = doneOf(await world.confirm(paths.prune, { ...domain, queue: 'pruned' }))
    const until = new Date(Date.now() + 86_400_000).toISOString()
    const holds: number[] = []
    for (const subject of [{ ids: held }, { operation_id: operation }]) {
      const { status, body } = await world.confirm(
        '/api/v1/jobs/holds',
        { ...subject, until },
        { 'x-reason': 'case 7' },
      )
      expect(status, JSON.stringify(body)).toBe(201)
      holds.push(z.object({ id: z.number() }).parse(body).id)
    }
    expect((await previewed(own)).preview).toMatchObject({ count: 1, kept_by_hold: 3 })
    expect(await erase(own)).toMatchObject({ affected: 1, passed_over: { running: 0, held: 3, unreadable: 0 } })
    expect(await idsLeft()).toEqual(held)
    expect(await world.sql`select from jobs_archive`).toHaveLength(2)
    for (const id of holds)
      expect((await world.confirm(`/api/v1/jobs/holds/${id}/remove`, {})).status).toBeLessThan(300)
    expect(await erase(own)).toMatchObject({ affected: 3 })
    expect(await rowsWith(world.sql, value)).toEqual([])
  })

  it('is refused where the archive lacks a column of the server, since holds need it', async () => {
    await world.jobs(1, ofHers)
    await world.sql`alter table jobs_archive rename column operation_id to another`
    try {
      expect(await world.confirm(path, own)).toMatchObject({
        status: 409,
        body: { detail: 'jobs_archive lacks the columns operation_id; nothing was changed' },
      })
    } finally {
      await world.sql`alter table jobs_archive rename column another to operation_id`
    }
    expect(await erase(own)).toMatchObject({ affected: 1 })
  })

  it('goes on without its caller, and keeps nothing of the request', async () => {
    await world.jobs(3, ofHers)
    const { operation_id } = acceptedOf(await world.confirm(path, own, withoutCaller))
    expect(await endOf(world, operation_id)).toMatchObject({ state: 'done', affected: 3 })
    expect(await rowsWith(world.sql, value)).toEqual([])
  })

  it.each([
    {},
    domain,
    { owner_user_id: '' },
    { owner_user_id: null },
    { 'payload.customer.email': '' },
    { ids: [] },
    { ...own, domain: '' },
    { ...own, queue: null },
    { ...own, status: 'failed' },
    { ...own, all: true },
    { payload: [{ path: 'a..b', value: 'x' }] },
  ])('takes no request that does not say whose data: %j', async (body) => {
    await world.jobs(1, ofHers)
    const { status } = await world.confirm(path, body)
    expect(status).toBe(422)
    expect(await world.count()).toBe(1)
  })

  it('is refused beside rows of other tables that would go along, as a prune is', async () => {
    const [job = 0] = await world.jobs(1, ofHers)
    await world.sql.unsafe('create table notes (job_id bigint references jobs (id) on delete cascade)')
    await world.sql`insert into notes values (${job})`
    try {
      expect((await previewed(own)).preview.foreign_rows).toEqual([
        { table: 'public.notes', action: 'deleted', rows: 1 },
      ])
      expect(codeOf(await world.confirm(path, own))).toBe('409 foreign_rows')
      expect(await world.count()).toBe(1)
      expect(await erase({ ...own, with_foreign_rows: true })).toMatchObject({ affected: 1 })
      expect(await world.sql`select from notes`).toHaveLength(0)
    } finally {
      await world.sql.unsafe('drop table notes')
    }
  })
})
