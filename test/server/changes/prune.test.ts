import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { tokenAsOf } from '../../support/database/resigned.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const day = 86_400

describe.each(kinds)('prune on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const ids = async () => (await world.rows()).map(({ id }) => id)

  it('counts in a dry run without changing anything', async () => {
    await world.jobs(3)
    await world.jobs(2, { days: 1 })
    const before = await world.fingerprint()

    const answer = await world.post(paths.prune, { dry_run: true })

    expect(answer).toMatchObject({ status: 200, body: { deleted: 3 } })
    expect(await world.fingerprint()).toBe(before)
  })

  it('deletes exactly what the dry run counted, and leaves every other row as it was', async () => {
    const goes = await world.jobs(3)
    await world.jobs(2, { days: 29 })
    await world.jobs(4, { queue: 'other' })
    await world.jobs(1, { domain: 'Chatbooks' })
    await world.jobs(1, { job_type: 'import' })
    await world.jobs(1, { status: 'quarantined' })
    await world.jobs(2, { status: 'queued' })
    await world.jobs(2, { status: 'processing' })
    const before = await world.rows()
    const body = { domain: 'chatbooks', queue: 'default', job_type: 'export' }

    const counted = await world.post(paths.prune, { ...body, dry_run: true })
    const answer = await world.confirm(paths.prune, body)

    expect(answer).toMatchObject({ status: 200, body: { deleted: 3 } })
    expect(counted.body).toMatchObject({ deleted: 3, preview: { count: 3 } })
    expect(await world.rows()).toEqual(before.filter(({ id }) => !goes.includes(Number(id))))
  })

  it('deletes completed, failed and cancelled jobs by default, and quarantined ones where the request names them', async () => {
    for (const status of ['completed', 'failed', 'cancelled', 'quarantined', 'queued', 'processing']) {
      await world.jobs(1, { status })
    }
    expect(await world.confirm(paths.prune, {})).toMatchObject({ body: { deleted: 3 } })
    expect((await world.rows()).map(({ status }) => status)).toEqual(['quarantined', 'queued', 'processing'])

    expect(await world.confirm(paths.prune, { statuses: [' Quarantined '] })).toMatchObject({ body: { deleted: 1 } })
    expect((await world.rows()).map(({ status }) => status)).toEqual(['queued', 'processing'])
  })

  it.each(['queued', 'processing', 'QUEUED'])('refuses to delete %s jobs, and points to the sweep', async (status) => {
    await world.jobs(1, { status: status.toLowerCase() })
    const answer = await world.confirm(paths.prune, { statuses: ['completed', status] })

    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect(JSON.stringify(answer.body)).toMatch(/sweep/i)
    expect(await world.count()).toBe(1)
  })

  it('changes nothing without confirmation, and says which header is missing', async () => {
    await world.jobs(1)
    const before = await world.fingerprint()

    expect(await world.post(paths.prune, {})).toMatchObject({
      status: 400,
      body: { code: 'confirmation_required', detail: 'Confirmation required: set X-Confirm: true' },
    })
    expect(await world.fingerprint()).toBe(before)
  })

  it('deletes what is older than so many days of 24 hours, and keeps what is as old to the microsecond', async () => {
    const asOf = ago(60)
    const edge = Date.parse(asOf) - 7 * day * 1000
    const [old] = await world.jobs(1, { completed_at: ago(1, edge) })
    const [young] = await world.jobs(1, { completed_at: ago(-1, edge) })
    await world.jobs(1, { completed_at: ago(0, edge) })
    const [justOlder] = await world.jobs(1, { completed_at: ago(0.001, edge).replace('Z', '999Z') })
    const body = { older_than_days: 7 }
    const preview_token = await tokenAsOf(world, paths.prune, { ...body, dry_run: true }, { as_of: asOf, count: 4 })

    const answer = await world.confirm(paths.prune, { ...body, preview_token })

    expect(answer.body).toMatchObject({ deleted: 2, skipped: 2 })
    expect(await ids()).not.toContain(old)
    expect(await ids()).not.toContain(justOlder)
    expect(await ids()).toContain(young)
    expect(await world.count()).toBe(2)
  })

  it.each([
    ['completed_at', { completed_at: 40, cancelled_at: 1, quarantined_at: 1, created_at: 1 }, 1],
    ['completed_at', { completed_at: 1, cancelled_at: 40, quarantined_at: 40, created_at: 40 }, 0],
    ['cancelled_at', { completed_at: null, cancelled_at: 40, quarantined_at: 1, created_at: 1 }, 1],
    ['cancelled_at', { completed_at: null, cancelled_at: 1, quarantined_at: 40, created_at: 40 }, 0],
    ['quarantined_at', { completed_at: null, cancelled_at: null, quarantined_at: 40, created_at: 1 }, 1],
    ['quarantined_at', { completed_at: null, cancelled_at: null, quarantined_at: 1, created_at: 40 }, 0],
    ['created_at', { completed_at: null, cancelled_at: null, quarantined_at: null, created_at: 40 }, 1],
    ['created_at', { completed_at: null, cancelled_at: null, quarantined_at: null, created_at: 1 }, 0],
  ])('counts age from %s when it is the first of its times that is set: %j', async (_name, days, deleted) => {
    const times = Object.entries(days).map(([name, n]) => [name, n === null ? null : ago(n * day)])
    await world.jobs(1, { status: 'failed', ...Object.fromEntries(times) })

    expect(await world.confirm(paths.prune, {})).toMatchObject({ body: { deleted } })
    expect(await world.count()).toBe(1 - deleted)
  })

  it('takes attachments and dependency edges of a deleted job with it, in both directions, and no others', async () => {
    const [gone = 0] = await world.jobs(1, { uuid: 'gone' })
    const [kept = 0] = await world.jobs(1, { uuid: 'kept', days: 1 })
    await world.sql`insert into job_attachments (job_id, kind) values (${gone}, 'log'), (${kept}, 'tag')`
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      values ('gone', 'kept'), ('kept', 'gone'), ('kept', 'third')`

    await world.confirm(paths.prune, {})

    expect([...(await world.sql`select job_id, kind from job_attachments`)]).toEqual([{ job_id: kept, kind: 'tag' }])
    expect([...(await world.sql`select job_uuid, depends_on_job_uuid from job_dependencies`)]).toEqual([
      { job_uuid: 'kept', depends_on_job_uuid: 'third' },
    ])
  })

  it('keeps to max: above it nothing goes, at it everything does', async () => {
    await world.jobs(3)
    const before = await world.fingerprint()

    const refused = await world.confirm(paths.prune, { max: 2 })
    expect(refused).toMatchObject({ status: 412, body: { code: 'limit_exceeded' } })
    expect(JSON.stringify(refused.body)).toContain('3 jobs match')
    expect(await world.fingerprint()).toBe(before)

    expect(await world.confirm(paths.prune, { max: 3 })).toMatchObject({ body: { deleted: 3 } })
  })

  it('finds nothing to do the second time, and leaves no second record', async () => {
    await world.jobs(2)
    expect(await world.confirm(paths.prune, {})).toMatchObject({ body: { deleted: 2 } })
    const after = await world.fingerprint()

    expect(await world.confirm(paths.prune, {})).toMatchObject({ status: 200, body: { deleted: 0 } })
    expect(await world.fingerprint()).toBe(after)
    expect(await world.events()).toHaveLength(1)
  })

  it('records who deleted what, and why', async () => {
    await world.jobs(2)
    const headers = { 'x-reason': 'quarterly clean-up', 'x-request-id': 'req-7' }
    await world.confirm(paths.prune, { domain: 'chatbooks', max: 5 }, headers)

    expect(await world.events()).toEqual([
      {
        event_type: 'jobs.pruned',
        domain: 'chatbooks',
        queue: null,
        job_type: null,
        request_id: 'req-7',
        attrs_json: expect.objectContaining({
          affected: 2,
          caller: 'single-user',
          reason: 'quarterly clean-up',
          filters: expect.objectContaining({ domain: 'chatbooks', older_than_days: 30, max: 5 }),
        }),
      },
    ])
  })

  it('lists the largest groups in a dry run, at most as many as requested', async () => {
    await world.jobs(3, { queue: 'b' })
    await world.jobs(5, { queue: 'a', status: 'failed' })
    await world.jobs(3, { queue: 'B' })
    await world.jobs(1, { queue: 'c' })
    await world.jobs(9, { queue: 'young', days: 1 })
    const group = { domain: 'chatbooks', job_type: 'export' }

    expect((await world.post(paths.prune, { dry_run: true, detail_top_k: 3 })).body).toMatchObject({
      deleted: 12,
      groups: [
        { ...group, queue: 'a', status: 'failed', count: 5 },
        { ...group, queue: 'B', status: 'completed', count: 3 },
        { ...group, queue: 'b', status: 'completed', count: 3 },
      ],
    })
    expect((await world.post(paths.prune, { dry_run: true })).body).not.toHaveProperty('groups')
  })

  it('counts the kept jobs when requested', async () => {
    await world.jobs(2, { days: 40 })
    await world.jobs(5, { days: 3 })
    await world.jobs(4, { status: 'queued' })
    const oldest = `${ago(40 * day).slice(0, 10)}T`

    const { body } = await world.post(paths.prune, { dry_run: true, include_kept: true, detail_top_k: 1 })

    expect(body).toMatchObject({ deleted: 2, kept: 5, groups: [{ count: 2, keep: 5 }] })
    expect(JSON.stringify(body)).toContain(`"oldest":"${oldest}`)
  })

  it('does not delete what came of age after the preview it goes by', async () => {
    await world.jobs(2, { days: 40 })
    await world.jobs(1, { completed_at: ago(30 * day + 300) })
    const preview_token = await tokenAsOf(world, paths.prune, { dry_run: true }, { as_of: ago(600) })

    expect(await world.confirm(paths.prune, { preview_token })).toMatchObject({ body: { deleted: 2 } })
    expect(await world.confirm(paths.prune, {})).toMatchObject({ body: { deleted: 1 } })
  })
})
