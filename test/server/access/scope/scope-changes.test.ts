import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { setScope } from '../../../../server/auth/set-grant.ts'
import { asOperator, openScopedWorld } from '../../../support/access/scoped-world.ts'
import { idOf } from '../../../support/access/tokens.ts'
import {
  ask,
  type Change,
  cancel,
  cancelSweep,
  changes,
  clearAll,
  codeOf,
  doneOf,
  expectIntact,
  integrity,
  previewOf,
  priority,
  prune,
  reclaim,
  recordOf,
  requeue,
  retry,
} from '../../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf } from '../../../support/changes/detached.ts'
import { kinds } from '../../../support/database/database.ts'
import { until } from '../../../support/poll.ts'
import type { World } from '../../../support/world.ts'

const none = { domains: [], queues: [], job_types: [], cascade: false }
const own = { domains: ['chatbooks'] }
const slow = { rate: 4 }
/** So many jobs that a slow change of them runs until it is stopped. */
const many = 200

/** The change without a domain, for the kinds that need none. */
function withoutDomain(change: Change): Change {
  if (change.kind === 'requeue') return change
  const all = ['prune', 'sweep', 'integrity'].includes(change.kind) ? {} : { all: true }
  const { domain: _, ...body } = change.body
  const { domain: __, ...preview } = change.preview
  return { ...change, body: { ...body, ...all }, preview: { ...preview, ...all } }
}

describe.each(kinds)('changes of a token with a scope on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openScopedWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const foreignRows = () => world.sql`select * from jobs where domain = 'tales' order by id`
  const statesOf = async (domain: string) =>
    (await world.sql<{ status: string }[]>`select status from jobs where domain = ${domain}::text order by id`).map(
      ({ status }) => status,
    )

  it.each(changes.map(withoutDomain))('$name: takes the jobs within, and no others', async (change) => {
    const operator = await asOperator(world, own)
    await world.jobs(3, change.wanted)
    const [foreign = 0] = await world.jobs(4, { ...change.wanted, domain: 'tales' })
    const before = await foreignRows()
    const preview = await previewOf(operator, change)
    expect(preview.count).toBe(3)
    expect(JSON.stringify(preview)).not.toContain('tales')
    const named = { ids: [foreign], ...(change.kind !== 'requeue' && { domain: undefined }) }
    expect(doneOf(await ask(operator, change, named)).affected).toBe(0)
    const outside = await ask(operator, change, { domain: 'tales' })
    expect(outside).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(JSON.stringify(outside.body)).toContain('limited to domain chatbooks, and domain tales lies outside')
    const done = doneOf(await ask(operator, change, { preview_token: preview.token }))
    expect(done).toMatchObject({ affected: 3, skipped: 0 })
    expect(await foreignRows()).toEqual(before)
    expect(await recordOf(world, done.operation)).toMatchObject({
      ...{ kind: change.kind, state: 'done', affected: 3, domain: 'chatbooks' },
      filters: { within: { ...none, ...own } },
    })
    await expectIntact(world)
  })

  it('intersect a filter with queues and job types, and refuse what can meet none of them', async () => {
    const scope = { domains: ['a'], queues: [{ domain: 'b', queue: 'q' }], job_types: ['t'] }
    const operator = await asOperator(world, scope)
    const places = ['a', 'b', 'c'].flatMap((domain) => ['q', 'r'].map((queue) => ({ domain, queue })))
    for (const place of places)
      for (const job_type of ['t', 'u']) await world.jobs(1, { ...place, job_type, status: 'queued' })
    const count = async (filter: object) => {
      const { status, body } = await operator.post(priority.path, { priority: 1, dry_run: true, ...filter })
      return status === 200
        ? z.object({ affected: z.number() }).parse(body).affected
        : codeOf({ status, body, headers: {} })
    }
    expect(await count({ all: true })).toBe(3)
    expect(await count({ domain: 'a' })).toBe(2)
    expect(await count({ domain: 'b' })).toBe(1)
    expect(await count({ queue: 'q' })).toBe(2)
    expect(await count({ queue: 'r' })).toBe(1)
    expect(await count({ job_type: 't' })).toBe(3)
    for (const filter of [{ domain: 'c' }, { domain: 'b', queue: 'r' }, { job_type: 'u' }, { domain: 'A' }])
      expect(await count(filter)).toBe('403 forbidden')
  })

  it('tell of a named job outside as of one that nobody has', async () => {
    const operator = await asOperator(world, own)
    const [foreign = 0] = await world.jobs(1, { domain: 'tales', status: 'failed' })
    for (const fields of [{}, { dry_run: true }])
      for (const job_id of [foreign, 987_654]) {
        const { body } = await ask(operator, requeue, { job_id, ...fields })
        expect(body).toMatchObject({ not_matched: [{ status: null }] })
      }
    for (const change of [retry, cancel])
      for (const fields of [{}, { dry_run: true }]) {
        const { body } = await ask(operator, change, { domain: undefined, ids: [foreign, 987_654], ...fields })
        expect(body).toMatchObject({
          ...{ affected: 0, missing_count: 2, not_taken_count: 0 },
          not_matched: [foreign, 987_654].map((id) => ({ id, status: null })),
        })
      }
  })

  describe('and dependents outside', () => {
    const [needed, dependent, foreign] = [randomUUID(), randomUUID(), randomUUID()]
    const edge = (job: string, needs: string) =>
      world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${job}, ${needs})`

    /** A job within, one within that depends on it, and two outside, the second by way of the first. */
    async function connected(wanted: Change['wanted'], dependents: Change['wanted']) {
      const last = randomUUID()
      await world.jobs(1, { ...wanted, uuid: needed })
      await world.jobs(1, { ...dependents, uuid: dependent })
      await world.jobs(1, { ...dependents, uuid: foreign, domain: 'tales' })
      await world.jobs(1, { ...dependents, uuid: last, domain: 'tales' })
      await edge(dependent, needed)
      await edge(foreign, needed)
      await edge(last, foreign)
    }
    const queued = { status: 'queued', days: 0 }
    const dropped = { status: 'cancelled', cancellation_reason: 'dependency_failed' }

    it.each([
      [prune, { status: 'failed' }, queued],
      [cancel, { status: 'processing' }, queued],
      [cancelSweep, { status: 'processing' }, queued],
      [retry, retry.wanted, dropped],
      [requeue, requeue.wanted, dropped],
    ])('$name: are one number in the preview, and only a token with --cascade takes them along', async (...given) => {
      const [change, wanted, dependents] = given
      const force = change.kind === 'cancel' ? { force: true } : {}
      const job = { ids: [0] }
      await connected(wanted, dependents)
      const [row] = await world.sql<{ id: number }[]>`select id from jobs where uuid = ${needed}`
      job.ids = [row?.id ?? 0]
      const asked = { ...change, preview: { ...change.preview, ...force, ...job } }
      const operator = await asOperator(world, own)
      const preview = await previewOf(operator, asked)
      expect(preview).toMatchObject({ count: 1, dependents: 1, dependents_elsewhere: 2 })
      expect(JSON.stringify(preview)).not.toMatch(new RegExp(`tales|${foreign}`))
      const before = await world.fingerprint()
      for (const more of [{}, { preview_token: preview.token }]) {
        const refused = await ask(operator, change, { ...force, ...job, ...more })
        expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden', dependents_elsewhere: 2 } })
        expect(JSON.stringify(refused.body)).toContain('nothing was changed')
      }
      expect(await world.fingerprint()).toBe(before)
      expect((await previewOf(world, asked)).dependents).toBe(3)
      const cascading = await asOperator(world, { ...own, cascade: true })
      expect(codeOf(await ask(cascading, change, { ...force, ...job, max: 2 }))).toBe('412 limit_exceeded')
      const done = doneOf(await ask(cascading, change, { ...force, ...job, max: 3 }))
      expect(done.affected).toBe(1)
      expect(await recordOf(world, done.operation)).toMatchObject({ counts: { dependents_elsewhere: 2 } })
      const after = dependents === queued ? 'cancelled' : 'queued'
      expect(await statesOf('tales')).toEqual([after, after])
    })

    it.each([
      [integrity, {}],
      [reclaim, { count_attempt: true }],
    ])('$name: that would end one of them changes nothing', async (change, fields) => {
      await connected({ ...change.wanted, retry_count: 3, max_retries: 3 }, queued)
      const operator = await asOperator(world, own)
      const before = await world.fingerprint()
      expect(await ask(operator, change, fields)).toMatchObject({ status: 403, body: { dependents_elsewhere: 2 } })
      expect(await world.fingerprint()).toBe(before)
      const cascading = await asOperator(world, { ...own, cascade: true })
      expect(doneOf(await ask(cascading, change, fields)).affected).toBe(1)
      expect(await statesOf('tales')).toEqual(['cancelled', 'cancelled'])
    })

    it('that come after the check stop the change before the batch that would take them along', async () => {
      const operator = await asOperator(world, own)
      await world.jobs(many, { status: 'queued', days: 9 })
      const { operation_id: id } = acceptedOf(await detached(operator, cancelSweep, slow))
      await until('a job was changed', async () => (await recordOf(world, id)).affected > 0)
      await world.jobs(1, { uuid: foreign, domain: 'tales', status: 'queued', days: 0 })
      await world.sql`
        insert into job_dependencies (job_uuid, depends_on_job_uuid)
        select ${foreign}, uuid from jobs where status = 'queued' and domain = 'chatbooks'`
      const { state, error, affected } = await endOf(world, id)
      expect({ state, error }).toEqual({ state: 'partial', error: expect.stringContaining('1 job depends') })
      expect(affected).toBeLessThan(many)
      expect(await statesOf('tales')).toEqual(['queued'])
    })
  })

  it('a preview is good for the scope under which it was made, and for no other', async () => {
    const operator = await asOperator(world, own)
    const id = idOf(operator.token)
    await world.jobs(2)
    const { token } = await previewOf(operator, prune)
    const scopes = [{ ...none, domains: ['chatbooks', 'tales'] }, { ...none, ...own, cascade: true }, null]
    for (const scope of scopes) {
      await setScope(world.sql, id, scope)
      const refused = await ask(operator, prune, { preview_token: token })
      expect(codeOf(refused)).toBe('409 preview_stale')
      expect(JSON.stringify(refused.body)).toContain('the scope of the caller has changed since the preview')
      expect(codeOf(await ask(operator, prune, { preview_token: token, dry_run: true }))).toBe('409 preview_stale')
    }
    const unlimited = await previewOf(operator, prune)
    await setScope(world.sql, id, { ...none, ...own })
    expect(codeOf(await ask(operator, prune, { preview_token: unlimited.token }))).toBe('409 preview_stale')
    expect(doneOf(await ask(operator, prune, { preview_token: token })).affected).toBe(2)
  })

  it('an idempotency key is of another request once the scope is another one', async () => {
    const operator = await asOperator(world, own)
    await world.jobs(1)
    const key = { 'idempotency-key': randomUUID() }
    const first = await ask(operator, prune, {}, key)
    expect(await ask(operator, prune, {}, key)).toMatchObject({ body: first.body })
    await setScope(world.sql, idOf(operator.token), { ...none, domains: ['chatbooks', 'tales'] })
    expect(codeOf(await ask(operator, prune, {}, key))).toBe('409 conflict')
  })

  it.each([
    ['another scope', { ...none, domains: ['chatbooks', 'tales'] }],
    ['no scope', null],
  ])('one that runs stops after its batch when its token gets %s', async (_, scope) => {
    const operator = await asOperator(world, own)
    await world.jobs(many)
    const { operation_id: id } = acceptedOf(await detached(operator, prune, slow))
    await until('a job was changed', async () => (await recordOf(world, id)).affected > 0)
    await setScope(world.sql, idOf(operator.token), scope)
    expect(await endOf(world, id)).toMatchObject({
      ...{ state: 'partial', error: `the scope of the token of its caller (${idOf(operator.token)}) has changed` },
    })
    expect(await world.count()).toBeGreaterThan(0)
  })

  it('one that another server takes over stays within the scope under which it began', async () => {
    const operator = await asOperator(world, { domains: ['chatbooks', 'spare'] })
    await world.jobs(12)
    await world.jobs(4, { domain: 'tales' })
    const { token } = await previewOf(operator, withoutDomain(prune))
    const change = withoutDomain(prune)
    const { operation_id: id } = acceptedOf(await detached(operator, change, { ...slow, preview_token: token }))
    await until('a job was changed', async () => (await recordOf(world, id)).affected > 0)
    await world.sql`update jobsctl_detached set hold = null where operation_id = ${id}::bigint`
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: 12, domain: null })
    expect(world.log.join('\n')).toContain(`operation ${id} goes on here`)
    expect(await statesOf('tales')).toHaveLength(4)
    expect(await world.count()).toBe(4)
  })

  it('a canary names its own jobs, and its token is good for the others', async () => {
    const operator = await asOperator(world, own)
    await world.jobs(5, { ...retry.wanted })
    await world.jobs(5, { ...retry.wanted, domain: 'tales' })
    const { token } = await previewOf(operator, retry)
    const first = await ask(operator, retry, { preview_token: token, limit: 2 })
    const { rest_token, job_ids } = z.object({ rest_token: z.string(), job_ids: z.array(z.number()) }).parse(first.body)
    expect(job_ids).toHaveLength(2)
    expect(doneOf(await ask(operator, retry, { preview_token: rest_token })).affected).toBe(3)
    expect(await statesOf('tales')).toEqual(Array.from({ length: 5 }, () => 'failed'))
  })

  it('that could reach the same jobs exclude each other; one outside is not told who it is', async () => {
    await world.jobs(many)
    await world.jobs(many, { domain: 'tales' })
    const both = await asOperator(world, { domains: ['chatbooks', 'tales'] })
    const { operation_id: id } = acceptedOf(await detached(both, withoutDomain(prune), slow))
    const [inside, outside] = [await asOperator(world, own), await asOperator(world, { domains: ['other', 'spare'] })]
    const refused = await ask(inside, prune)
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: 'another prune runs; nothing was changed' },
    })
    expect(JSON.stringify(refused.body)).not.toContain(idOf(both.token))
    expect(JSON.stringify((await ask(world, prune)).body)).toContain(`operation ${id} of ${idOf(both.token)}`)
    expect(JSON.stringify((await ask(both, prune)).body)).toContain(`operation ${id} of`)
    expect((await ask(outside, withoutDomain(prune))).status).toBe(200)
    expect((await ask(world, prune, { domain: 'other' })).status).toBe(200)
    await world.post(`/api/v1/jobs/operations/${id}/stop`, {})
    await endOf(world, id)
  })

  it('delete no rows of other tables along', async () => {
    const operator = await asOperator(world, own)
    const refused = await ask(operator, prune, { with_foreign_rows: true })
    expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(JSON.stringify(refused.body)).toContain('which lie in no domain')
  })
})
