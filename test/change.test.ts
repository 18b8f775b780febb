import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from './database.ts'
import { ago, type Wanted } from './job-row.ts'
import { holdScope, isFree } from './scope-lock.ts'
import { openWorld, paths, type World } from './world.ts'

interface Change {
  path: string
  /** As the locks and the messages call it. */
  name: string
  body: object
  preview: object
  /** Jobs that the change touches. */
  wanted: Wanted
  event: string
  /** The event of each job beside it; a deleted job makes no step. */
  step?: string
}

const changes: Change[] = [
  {
    path: paths.prune,
    name: 'prune',
    body: {},
    preview: { dry_run: true },
    wanted: {},
    event: 'jobs.pruned',
  },
  {
    path: paths.sweep,
    name: 'sweep',
    body: { age_seconds: 3600, runtime_seconds: 3600 },
    preview: { age_seconds: 3600, runtime_seconds: 3600, dry_run: true },
    wanted: { status: 'queued' },
    event: 'jobs.ttl_sweep',
    step: 'job.cancelled',
  },
  {
    path: paths.requeue,
    name: 'requeue',
    body: { domain: 'chatbooks' },
    preview: { domain: 'chatbooks', dry_run: true },
    wanted: { status: 'quarantined' },
    event: 'jobs.requeued',
    step: 'job.requeued',
  },
  {
    path: paths.integrity,
    name: 'integrity sweep',
    body: { fix: true },
    preview: { fix: false },
    wanted: { status: 'processing', leased_until: ago(3600) },
    event: 'jobs.integrity_sweep',
    step: 'job.lease_expired',
  },
]
const confirmed = changes.filter(({ path }) => path !== paths.integrity)
const touched = { affected: 3, deleted: 3, fixed: 3 }

describe.each(kinds)('every change on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  it.each(changes)('$name: previews without confirmation, and changes nothing', async (change) => {
    await world.jobs(3, change.wanted)
    const before = await world.fingerprint()

    const answer = await world.post(change.path, change.preview)

    expect(answer.status).toBe(200)
    expect(Object.values(Object(answer.body))).toContain(3)
    expect(answer.headers['x-as-of']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    expect(await world.fingerprint()).toBe(before)
  })

  it.each(confirmed)('$name: changes nothing without confirmation', async (change) => {
    await world.jobs(3, change.wanted)
    const before = await world.fingerprint()

    expect(await world.post(change.path, change.body)).toMatchObject({
      status: 400,
      body: { code: 'confirmation_required', detail: 'Confirmation required: set X-Confirm: true' },
    })
    expect(await world.fingerprint()).toBe(before)
  })

  it.each(changes)('$name: above max, answers 412 and changes nothing; at max, goes ahead', async (change) => {
    await world.jobs(3, change.wanted)
    const before = await world.fingerprint()

    expect(await world.confirm(change.path, { ...change.body, max: 2 })).toMatchObject({
      status: 412,
      body: { code: 'limit_exceeded', detail: '3 jobs match, above the limit of 2; nothing was changed' },
    })
    expect(await world.fingerprint()).toBe(before)
    expect(await world.confirm(change.path, { ...change.body, max: 3 })).toMatchObject({ status: 200 })
    expect(await world.fingerprint()).not.toBe(before)
  })

  it.each(changes)('$name: the second time there is nothing to do, and nothing is recorded', async (change) => {
    await world.jobs(3, change.wanted)
    const first = await world.confirm(change.path, change.body)
    expect(Object.entries(touched)).toContainEqual(Object.entries(Object(first.body)).at(-1))
    const after = await world.fingerprint()

    const second = await world.confirm(change.path, change.body)

    expect(second.status).toBe(200)
    expect(Object.values(Object(second.body)).filter((count) => count !== 0)).toEqual([])
    expect(await world.fingerprint()).toBe(after)
    expect(await world.events()).toHaveLength(1)
  })

  it.each(changes)(
    '$name: records who, why and what, in the words of the caller, and each job’s step',
    async (change) => {
      const ids = await world.jobs(3, change.wanted)
      const scope = { domain: 'chatbooks', queue: 'default', job_type: 'export' }
      await world.confirm(
        change.path,
        { ...change.body, ...scope },
        {
          'x-reason': Buffer.from('nächtlich 📚').toString('latin1'),
          'x-request-id': 'req:1',
        },
      )

      expect(await world.events()).toEqual([
        {
          event_type: change.event,
          ...scope,
          request_id: 'req:1',
          attrs_json: {
            affected: 3,
            caller: 'single-user',
            reason: 'nächtlich 📚',
            filters: expect.objectContaining({ ...change.body, ...scope }),
          },
        },
      ])
      const steps = await world.steps()
      expect(steps.map(({ job_id }) => Number(job_id)).sort()).toEqual(change.step ? ids : [])
      for (const step of steps) expect(step).toMatchObject({ event_type: change.step, request_id: 'req:1' })
    },
  )

  it.each(changes)('$name: leaves another domain, queue and job type alone', async (change) => {
    await world.jobs(1, { ...change.wanted, domain: 'other' })
    await world.jobs(1, { ...change.wanted, queue: 'other' })
    await world.jobs(1, { ...change.wanted, job_type: 'other' })
    const before = await world.fingerprint()
    const scope = { domain: ' chatbooks ', queue: 'default', job_type: 'export' }

    expect(await world.confirm(change.path, { ...change.body, ...scope })).toMatchObject({ status: 200 })
    expect(await world.fingerprint()).toBe(before)
  })

  it.each(changes)('$name: refuses a preview that is over an hour old, and takes a younger one', async (change) => {
    await world.jobs(3, change.wanted)
    const before = await world.fingerprint()

    const stale = await world.confirm(change.path, change.body, { 'x-as-of': ago(3605) })
    expect(stale).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    expect(await world.fingerprint()).toBe(before)
    expect(await world.confirm(change.path, change.body, { 'x-as-of': ago(3500) })).toMatchObject({ status: 200 })
  })

  it('refuses a time that is none', async () => {
    for (const time of ['yesterday', '2026-13-01T00:00:00Z', '2026-01-01', '2026-01-01T00:00:00+02:00']) {
      const answer = await world.confirm(paths.prune, {}, { 'x-as-of': time })
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'X-As-Of' }] } })
    }
  })

  it('never runs ahead of the clock, whatever the caller says', async () => {
    await world.jobs(1, { days: 29 })
    const inTwoDays = ago(-2 * 86_400)
    expect(await world.confirm(paths.prune, {}, { 'x-as-of': inTwoDays })).toMatchObject({ body: { deleted: 0 } })
  })

  it('writes change and record together: without the record, nothing changes', async () => {
    await world.jobs(3)
    await world.sql`alter table job_events add constraint no_records check (event_type <> 'jobs.pruned') not valid`
    const before = await world.fingerprint()
    try {
      expect(await world.confirm(paths.prune, {})).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringContaining('no_records') },
      })
      expect(await world.fingerprint()).toBe(before)
    } finally {
      await world.sql`alter table job_events drop constraint no_records`
    }
  })
})

describe('every change on postgres, beside another one', () => {
  let world: World
  let other: postgres.Sql
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '1' })
    other = postgres(world.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })
  beforeEach(() => world.clear())

  it.each(changes)('$name: answers 409 while the same kind of change runs', async (change) => {
    await world.jobs(3, change.wanted)
    const before = await world.fingerprint()

    await other.begin(async (tx) => {
      await holdScope(tx, change.name)
      const answer = await world.confirm(change.path, change.body)
      expect(answer).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: `another ${change.name} is running in this scope; nothing was changed` },
      })
    })
    expect(await world.fingerprint()).toBe(before)
    expect(await world.confirm(change.path, change.body)).toMatchObject({ status: 200 })
  })

  it.each(changes)(
    '$name: answers 503 with Retry-After when another holds the rows, and changes none',
    async (change) => {
      await world.jobs(3, change.wanted)
      const before = await world.fingerprint()

      await other.begin(async (tx) => {
        await tx`select id from jobs order by id desc limit 1 for update`
        const answer = await world.confirm(change.path, change.body)
        expect(answer).toMatchObject({ status: 503, body: { code: 'database_busy' } })
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      })
      expect(await world.fingerprint()).toBe(before)
      expect(await world.confirm(change.path, change.body)).toMatchObject({ status: 200 })
    },
  )

  it('lets the same change run at the same time in another domain, queue or type, and in no scope that overlaps', async () => {
    await world.jobs(1)
    const status = async (scope: object) => (await world.confirm(paths.prune, scope)).status
    await other.begin(async (tx) => {
      await holdScope(tx, 'prune', ['b', 'low'])
      for (const scope of [{}, { domain: 'b' }, { queue: 'low' }, { domain: 'b', queue: 'low', job_type: 't' }]) {
        expect(await status(scope)).toBe(409)
      }
      expect(await status({ domain: 'b', job_type: 't' })).toBe(409)
      expect(await status({ domain: 'b', queue: 'high' })).toBe(200)
      expect(await world.confirm(paths.prune, { domain: 'chatbooks' })).toMatchObject({ body: { deleted: 1 } })
    })
  })

  it('of ten same changes at once, each job is changed once, and the others say 409 or find nothing', async () => {
    await world.jobs(50, { status: 'quarantined' })
    const body = { domain: 'chatbooks' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.confirm(paths.requeue, body)))

    const affected = answers
      .filter(({ status }) => status === 200)
      .map((answer) => Reflect.get(Object(answer.body), 'affected'))
    expect(affected.reduce((sum, n) => sum + n, 0)).toBe(50)
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([])
    expect(await world.events()).toHaveLength(1)
  })

  it('lets go of its locks with the change', async () => {
    await world.jobs(1)
    await world.confirm(paths.prune, {})
    expect(await other.begin((tx) => isFree(tx, 'prune'))).toBe(true)
  })
})
