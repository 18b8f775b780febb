import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { everyKind } from '../../support/database/database.ts'
import { ago, type Wanted } from '../../support/database/job-row.ts'
import { tokenAsOf, tokenOf } from '../../support/database/resigned.ts'
import { differences } from '../../support/differences.ts'
import { until } from '../../support/poll.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

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

/** How many jobs an answer says were changed, whatever it calls them. */
const affectedOf = ({ body }: { body: unknown }): number => {
  const { deleted, affected, fixed } = Object(body)
  return deleted ?? affected ?? fixed
}

describe.each(everyKind)('every change on %s', (kind) => {
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
    expect(answer.body).toMatchObject({
      preview: {
        token: expect.stringMatching(/^[\w-]+\.[\w-]+$/),
        as_of: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z$/),
        expires_at: expect.stringMatching(/Z$/),
        count: 3,
        groups: [{ domain: 'chatbooks', queue: 'default', job_type: 'export', count: 3 }],
        owners: [{ owner_user_id: null, count: 3 }],
        oldest: expect.any(String),
        newest: expect.any(String),
        bytes_estimate: expect.any(Number),
        sample_ids: [1, 2, 3],
        eta_seconds: 1,
      },
    })
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
    expect(first.body).toMatchObject({ operation_id: 1, batches: 1, skipped_locked: 0, elapsed_ms: expect.any(Number) })
    expect(affectedOf(first)).toBe(3)
    const after = await world.fingerprint()

    const second = await world.confirm(change.path, change.body)

    expect(second.status).toBe(200)
    expect(affectedOf(second)).toBe(0)
    expect(second.body).not.toHaveProperty('operation_id')
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
            operation: 1,
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

  it.each(changes)(
    '$name: goes by its preview: what has come since is left, what has gone on is skipped',
    async (change) => {
      const [gone = 0, ...ids] = await world.jobs(3, change.wanted)
      const preview_token = tokenOf(await world.post(change.path, change.preview))
      await world.jobs(2, change.wanted)
      await world.sql`update jobs set priority = 1 where id = ${gone}`
      const before = await world.rows()

      const answer = await world.confirm(change.path, { ...change.body, preview_token })

      expect(answer).toMatchObject({ status: 200, body: { skipped: 1, skipped_locked: 0 } })
      expect(affectedOf(answer)).toBe(2)
      expect(Object.keys(differences(before, await world.rows())).map(Number)).toEqual(ids)
      expect(await recordsOf(world)).toMatchObject([{ state: 'done', previewed: 3, affected: 2, skipped: 1 }])
    },
  )

  it.each(changes)('$name: refuses a preview that is used, of another, forged, or a day old', async (change) => {
    await world.jobs(3, change.wanted)
    const preview = (body: object = change.preview) => world.post(change.path, body)
    const used = tokenOf(await preview())
    expect(await world.confirm(change.path, { ...change.body, preview_token: used })).toMatchObject({ status: 200 })
    await world.jobs(3, change.wanted)
    const before = await world.fingerprint()
    const other = changes.find(({ path }) => path !== change.path) ?? change

    const tokens = {
      used,
      'of other filters': tokenOf(await preview({ ...change.preview, queue: 'low' })),
      'of another operation': tokenOf(await world.post(other.path, other.preview)),
      forged: tokenOf(await preview()).replace(/^../, 'ab'),
      expired: await tokenAsOf(world, change.path, change.preview, { as_of: ago(86_405) }),
    }
    for (const [what, preview_token] of Object.entries(tokens)) {
      const answer = await world.confirm(change.path, { ...change.body, preview_token })
      expect(answer, what).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    }
    expect(await world.fingerprint()).toBe(before)
    const preview_token = await tokenAsOf(world, change.path, change.preview, { as_of: ago(86_300) })
    expect(await world.confirm(change.path, { ...change.body, preview_token })).toMatchObject({ status: 200 })
  })

  it.each(changes)('$name: made again under its key, answers as the first time and changes nothing', async (change) => {
    await world.jobs(3, change.wanted)
    const headers = { 'idempotency-key': 'nightly 2026-11-24' }
    const first = await world.confirm(change.path, change.body, headers)
    await world.jobs(3, change.wanted)
    const before = await world.fingerprint()

    expect((await world.confirm(change.path, change.body, headers)).body).toEqual(first.body)
    expect(await world.confirm(change.path, { ...change.body, max: 9 }, headers)).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringContaining('belongs to another request (operation 1)') },
    })
    expect(await world.fingerprint()).toBe(before)
    expect(affectedOf(await world.confirm(change.path, change.body, { 'idempotency-key': 'another' }))).toBe(3)
  })

  it('keeps the key of a change that found nothing, and frees that of one that was refused', async () => {
    const headers = { 'idempotency-key': 'k' }
    expect(await world.confirm(paths.prune, {}, headers)).toMatchObject({ status: 200, body: { deleted: 0 } })
    await world.jobs(2)
    expect(await world.confirm(paths.prune, {}, headers)).toMatchObject({ status: 200, body: { deleted: 0 } })

    const refused = { 'idempotency-key': 'refused' }
    expect(await world.confirm(paths.prune, { max: 1 }, refused)).toMatchObject({ status: 412 })
    expect(await world.confirm(paths.prune, { max: 2 }, refused)).toMatchObject({ status: 200, body: { deleted: 2 } })
  })

  it('keeps to max below what was previewed: above it nothing goes, and the preview may be used again', async () => {
    await world.jobs(3)
    const preview_token = tokenOf(await world.post(paths.prune, { dry_run: true }))
    expect(await world.confirm(paths.prune, { preview_token, max: 2 })).toMatchObject({
      status: 412,
      body: { detail: '3 jobs match, above the limit of 2; nothing was changed' },
    })
    expect(await recordsOf(world)).toEqual([])
    expect(await world.confirm(paths.prune, { preview_token, max: 3 })).toMatchObject({ body: { deleted: 3 } })
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
      expect(await recordsOf(world)).toMatchObject([
        { state: 'failed', affected: 0, error: expect.stringContaining('no_records') },
      ])
    } finally {
      await world.sql`alter table job_events drop constraint no_records`
    }
  })
})

const recordsOf = async (world: World) => (await world.call('GET', '/api/v1/jobs/operations')).body

/** The server waits for a lock longer than any test takes. */
const patient = { JOBS_LOCK_TIMEOUT_SECONDS: '600', JOBS_STATEMENT_TIMEOUT_SECONDS: '600' }

describe('every change on postgres, beside another one', () => {
  let world: World
  let other: postgres.Sql
  let onlooker: postgres.Sql
  beforeAll(async () => {
    world = await openWorld('postgres', patient)
    other = postgres(world.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    onlooker = postgres(world.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  })
  afterAll(async () => {
    await other?.end()
    await onlooker?.end()
    await world?.stop()
  })
  beforeEach(() => world.clear())

  /** Begins a change that cannot end, since another transaction holds its rows, until `meanwhile` is over. */
  async function whileItRuns(change: Change, scope: object, meanwhile: () => Promise<unknown>) {
    // Not the promise itself: the transaction would wait for the change that waits for the transaction.
    const { running } = await other.begin(async (tx) => {
      await tx`select id from jobs for update`
      const running = world.confirm(change.path, { ...change.body, ...scope })
      await until(
        'it runs',
        async () => (await onlooker`select 1 from job_operations where state = 'running'`).length > 0,
      )
      await meanwhile()
      return { running }
    })
    return running
  }

  it.each(changes)('$name: answers 409 with who holds it while the same kind of change runs', async (change) => {
    await world.jobs(3, change.wanted)
    const before = await world.rows()

    await whileItRuns(change, {}, async () => {
      expect(await world.confirm(change.path, change.body)).toMatchObject({
        status: 409,
        body: {
          code: 'conflict',
          detail: expect.stringMatching(
            new RegExp(
              `^another ${change.name} is running in this scope: operation 1 of single-user, since .* UTC; nothing`,
            ),
          ),
        },
      })
      expect(await world.rows()).toEqual(before)
    })
    await world.sql`delete from job_operations`
    expect(await world.confirm(change.path, change.body)).toMatchObject({ status: 200 })
  })

  it('waits for what another holds', async () => {
    await world.jobs(3)
    const held = other.begin(async (tx) => {
      await tx`select id from jobs order by id desc limit 1 for update`
      await until('the others are gone', async () => (await onlooker`select 1 from jobs`).length === 1)
    })
    expect(await world.confirm(paths.prune, {})).toMatchObject({ body: { deleted: 3, skipped_locked: 0 } })
    await held
  })

  it('lets the same change run at the same time in another domain, queue or type, and in no scope that overlaps', async () => {
    await world.jobs(1, { domain: 'b', queue: 'low' })
    const status = async (scope: object) => (await world.confirm(paths.prune, scope)).status
    const [prune] = changes
    if (!prune) return
    await whileItRuns(prune, { domain: 'b', queue: 'low' }, async () => {
      for (const scope of [{}, { domain: 'b' }, { queue: 'low' }, { domain: 'b', queue: 'low', job_type: 't' }]) {
        expect(await status(scope)).toBe(409)
      }
      expect(await status({ domain: 'b', job_type: 't' })).toBe(409)
      expect(await status({ domain: 'b', queue: 'high' })).toBe(200)
      expect(await status({ domain: 'chatbooks' })).toBe(200)
      expect((await world.confirm(paths.sweep, { age_seconds: 60 })).status).toBe(200)
    })
  })

  it('ends what a dead server has left behind, and goes on', async () => {
    await world.jobs(2)
    await world.sql`
      insert into job_operations (kind, filters, as_of, seen, caller, request_hash, affected, touched_at)
      values ('prune', '{}', now(), pg_current_snapshot()::text, 'gone', 'h', 7, now() - interval '1 minute')`

    expect(await world.confirm(paths.prune, {})).toMatchObject({ status: 200, body: { deleted: 2 } })
    expect(await recordsOf(world)).toMatchObject([
      { id: 2, state: 'done' },
      { id: 1, state: 'partial', affected: 7, error: 'its server died, or lost the database' },
    ])
    expect((await world.call('GET', '/api/v1/jobs/operations/verify')).body).toMatchObject({ ok: true, operations: 2 })
  })

  it('of ten same changes at once, each job is changed once, and the others say 409 or find nothing', async () => {
    await world.jobs(50, { status: 'quarantined' })
    const body = { domain: 'chatbooks' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.confirm(paths.requeue, body)))

    const affected = answers.filter(({ status }) => status === 200).map(affectedOf)
    expect(affected.reduce((sum, n) => sum + n, 0)).toBe(50)
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([])
    expect(await world.events()).toHaveLength(1)
  })

  it('of ten same requests at once under one key, one is made, and the others get the same answer or must wait', async () => {
    await world.jobs(50)
    const headers = { 'idempotency-key': 'one' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.confirm(paths.prune, {}, headers)))

    const done = answers.filter(({ status }) => status === 200)
    expect(new Set(done.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    expect(done.map(affectedOf)).toContain(50)
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([])
    expect((await world.confirm(paths.prune, {}, headers)).body).toEqual(done[0]?.body)
  })
})
