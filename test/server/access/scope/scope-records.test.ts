import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { OperationRecord } from '../../../../shared/records/records.ts'
import { firstMessage } from '../../../support/access/first-message.ts'
import { asOperator, openScopedWorld } from '../../../support/access/scoped-world.ts'
import { bearer, makeToken } from '../../../support/access/tokens.ts'
import {
  ask,
  at,
  type Change,
  cancelSweep,
  clearAll,
  codeOf,
  doneOf,
  expectIntact,
  priority,
  prune,
  recordOf,
  retry,
} from '../../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf } from '../../../support/changes/detached.ts'
import { kinds } from '../../../support/database/database.ts'
import { until } from '../../../support/poll.ts'
import type { World } from '../../../support/world.ts'

const own = { domains: ['chatbooks'] }
const everywhere = { domain: undefined, all: true }

describe.each(kinds)('records and undo of a token with a scope on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openScopedWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const idsSeenBy = async (caller: World) =>
    z
      .array(OperationRecord)
      .parse((await caller.call('GET', at.list)).body)
      .map(({ id }) => id)
      .reverse()
  const callerOf = async (role: 'viewer'): Promise<Pick<World, 'call'>> => {
    const as = bearer(await makeToken(world.sql, role, role))
    return { call: (method, path, body, headers) => world.call(method, path, body, { ...as, ...headers }) }
  }
  const undo = (caller: World, id: number | undefined, body: object = {}) => caller.confirm(at.undo(id ?? 0), body)
  const operationOf = async (caller: World, change: Change, fields: object = {}) =>
    doneOf(await ask(caller, change, { ...fields })).operation
  const statesOf = async (domain: string) => {
    const rows = await world.sql<
      { status: string }[]
    >`select status from jobs where domain = ${domain}::text order by id`
    return rows.map(({ status }) => status)
  }

  it('are those of changes that could reach no job outside, whoever made them', async () => {
    const [narrow, wide] = [await asOperator(world, own), await asOperator(world, { domains: ['chatbooks', 'tales'] })]
    const one = async (caller: World, fields: object) => {
      await world.jobs(1, { ...priority.wanted })
      await world.jobs(1, { ...priority.wanted, domain: 'tales' })
      return operationOf(caller, priority, fields)
    }
    const ids = {
      narrow: await one(narrow, everywhere),
      wide: await one(wide, { ...everywhere, priority: 2 }),
      inDomain: await one(wide, { priority: 3 }),
      all: await one(world, { ...everywhere, priority: 4 }),
      named: await one(world, { priority: 7 }),
      other: await one(world, { domain: 'tales', priority: 6 }),
    }
    expect(await idsSeenBy(narrow)).toEqual([ids.narrow, ids.inDomain, ids.named])
    expect(JSON.stringify((await narrow.call('GET', at.list)).body)).not.toContain('tales')
    expect(await idsSeenBy(wide)).toEqual([ids.narrow, ids.wide, ids.inDomain, ids.named, ids.other])
    expect(await idsSeenBy(world)).toEqual(Object.values(ids))
    expect(await narrow.call('GET', at.get(ids.named ?? 0))).toMatchObject({ body: { now: { queued: 5 } } })
    const paths = ['', '/progress', '/conflicts', '/stop', '/keep', '/undo']
    for (const path of paths) {
      const [foreign, unknown] = [ids.all ?? 0, 987_654].map(async (id) => {
        const body = path === '/keep' ? { until: '2099-01-01T00:00:00Z' } : {}
        const get = ['', '/progress', '/conflicts'].includes(path)
        const answer = get
          ? await narrow.call('GET', `${at.get(id)}${path}`)
          : await narrow.confirm(`${at.get(id)}${path}`, body)
        return [
          answer.status,
          JSON.stringify(answer.body)
            .replaceAll(`operation ${id}`, 'operation')
            .replaceAll(/"request_id":"[^"]*"/g, ''),
        ]
      })
      expect(await foreign).toEqual(await unknown)
      expect((await foreign)?.[0]).toBe(404)
    }
  })

  it('that another program wrote as no objects hide no others, from anybody', async () => {
    await world.jobs(1, { ...priority.wanted })
    const [id, odd] = [await operationOf(world, priority), [0, 1, 2].map((nth) => 900_000_001 + nth)]
    for (const [nth, filters] of ['"payload"', '["payload", "within"]', '7'].entries())
      await world.sql`
        insert into job_operations (id, kind, domain, filters, counts, as_of, seen, caller, request_hash, state, affected, ended_at)
        values (
          ${odd[nth] ?? 0}, 'priority', 'chatbooks', ${filters}::text::jsonb, ${['5', '"many"', '{"affected": "x", "jobs": 2}'][nth] ?? ''}::text::jsonb,
          now(), '1:1:', 'somebody', '', 'done', 1, now()
        )`
    const callers = [world, await asOperator(world, own), { ...world, ...(await callerOf('viewer')) }]
    for (const caller of callers) {
      expect(await idsSeenBy(caller)).toEqual([id, ...odd])
      for (const one of odd) {
        const { status, body } = await caller.call('GET', at.get(one))
        expect([status, JSON.stringify(body)]).toEqual([200, expect.not.stringContaining('many')])
      }
    }
  })

  it.each([
    ['without a scope', undefined],
    ['with another scope', { domains: ['chatbooks', 'tales'] }],
  ])('a retry by a caller %s is shown without the number of its dependents', async (_, scope) => {
    const [needed, foreign] = [crypto.randomUUID(), crypto.randomUUID()]
    await world.jobs(1, { ...retry.wanted, uuid: needed })
    await world.jobs(1, {
      domain: 'tales',
      uuid: foreign,
      status: 'cancelled',
      cancellation_reason: 'dependency_failed',
    })
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${foreign}, ${needed})`
    const id = await operationOf(scope ? await asOperator(world, scope) : world, retry)
    const narrow = await asOperator(world, own)
    expect(await recordOf(world, id)).toMatchObject({ counts: { affected: 1, dependents: 1 } })
    expect((await recordOf(narrow, id)).counts).toEqual({ affected: 1 })
    expect((await narrow.call('GET', at.get(id ?? 0))).body).toMatchObject({ now: { queued: 1 } })
    const progress = JSON.stringify((await narrow.call('GET', `${at.get(id ?? 0)}/progress`)).body)
    expect(progress).toContain('affected')
    expect(progress).not.toContain('dependents')
    const same = await asOperator(world, scope ?? own)
    const { counts } = await recordOf(same, id)
    expect(counts.dependents).toBe(scope ? 1 : undefined)
  })

  it('an undo gives back its own jobs, and those outside wait for a caller who may', async () => {
    const [needed, foreign] = [crypto.randomUUID(), crypto.randomUUID()]
    await world.jobs(1, { uuid: needed, status: 'queued', days: 9 })
    await world.jobs(1, { domain: 'tales', uuid: foreign, status: 'queued', days: 0 })
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${foreign}, ${needed})`
    const cascading = await asOperator(world, { ...own, cascade: true })
    const id = await operationOf(cascading, cancelSweep)
    expect(await statesOf('tales')).toEqual(['cancelled'])
    const { body } = await cascading.post(at.undo(id ?? 0), { dry_run: true })
    expect(body).toMatchObject({ affected: 1, conflict_count: 0, conflicts: [] })
    expect(doneOf(await undo(cascading, id)).affected).toBe(1)
    expect([await statesOf('chatbooks'), await statesOf('tales')]).toEqual([['queued'], ['cancelled']])
    expect(await recordOf(world, id)).toMatchObject({ state: 'done', undos: [expect.any(Number)] })
    expect(doneOf(await undo(world, id)).affected).toBe(1)
    expect(await statesOf('tales')).toEqual(['queued'])
    expect(await recordOf(world, id)).toMatchObject({ state: 'undone' })
    // The second undo counts a job outside.
    expect(await idsSeenBy(cascading)).toEqual([id, expect.any(Number)])
    expect(await idsSeenBy(world)).toHaveLength(3)
    await expectIntact(world)
  })

  it('an undo of a prune gives back all that the prune of this token deleted, by a preview bound to the scope', async () => {
    const narrow = await asOperator(world, own)
    await world.jobs(3)
    await world.jobs(2, { domain: 'tales' })
    const id = await operationOf(narrow, prune)
    expect((await narrow.call('GET', '/api/v1/jobs/archive/list')).body).toMatchObject([{ operation_id: id, jobs: 3 }])
    const preview = z
      .object({ preview: z.object({ token: z.string(), count: z.literal(3) }) })
      .parse((await narrow.post(at.undo(id ?? 0), { dry_run: true })).body).preview
    expect(codeOf(await undo(await asOperator(world, own), id, { preview_token: preview.token }))).toBe(
      '409 preview_stale',
    )
    expect(codeOf(await undo(narrow, id, { domain: 'tales' }))).toBe('403 forbidden')
    expect(doneOf(await undo(narrow, id, { preview_token: preview.token })).affected).toBe(3)
    expect(await recordOf(narrow, id)).toMatchObject({ state: 'undone' })
    expect((await narrow.call('GET', '/api/v1/jobs/archive/list')).body).toEqual([])
    expect(await world.count()).toBe(5)
    await expectIntact(world)
  })

  it('a change within is stopped and followed by an operator of the scope, and a change outside is not', async () => {
    const narrow = await asOperator(world, own)
    // So many that both run until they are stopped.
    await world.jobs(200)
    await world.jobs(200, { domain: 'tales' })
    const slow = { rate: 4 }
    const ours = acceptedOf(await detached(world, prune, slow)).operation_id
    const theirs = acceptedOf(await detached(world, prune, { ...slow, domain: 'tales' })).operation_id
    await until('a job was changed', async () => (await recordOf(world, ours)).affected > 0)
    const stop = (id: number) => narrow.post(`${at.get(id)}/stop`, {})
    const frame = await firstMessage(world.url, '/api/v1/jobs/stats/stream', bearer(narrow.token))
    expect(JSON.stringify(frame.body)).toMatch(/prune/)
    expect(JSON.stringify(frame.body)).not.toMatch(/tales/)
    expect((await stop(theirs)).status).toBe(404)
    expect(await stop(ours)).toMatchObject({ status: 200, body: { stop_requested: true } })
    expect(await endOf(world, ours)).toMatchObject({ state: 'partial' })
    expect(await recordOf(world, theirs)).toMatchObject({ state: 'running' })
    await world.post(`${at.get(theirs)}/stop`, {})
    await endOf(world, theirs)
  })
})
