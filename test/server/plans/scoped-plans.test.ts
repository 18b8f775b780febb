import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createToken } from '../../../server/auth/tokens.ts'
import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { Plan } from '../../../shared/plans/plans.ts'
import { bearer, idOf } from '../../support/access/tokens.ts'
import { at, expectIntact } from '../../support/changes/bulk-tools.ts'
import { acceptedOf, endOf } from '../../support/changes/detached.ts'
import { makePeople, type People, planOf, planPath } from '../../support/changes/plans.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

type Headers = Record<string, string>

const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }
const reason = { 'x-reason': 'the disk is full' }

describe.each(kinds)('plans of a token with a scope on %s', (kind) => {
  let world: World
  let people: People
  let sue: Headers
  let wide: Headers
  let tim: Headers
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from jobsctl_plans`
    people = await makePeople(world.sql)
    sue = await scoped('sue', { domains: ['a'] })
    tim = await scoped('tim', { domains: ['a'] })
    wide = await scoped('wide', { domains: ['a', 'b'] })
  })

  const scoped = async (principal: string, scope: Partial<TokenScope>): Promise<Headers> => {
    const whole = { domains: [], queues: [], job_types: [], cascade: false, ...scope }
    const grant = { role: 'operator', may_enqueue: false, approver: true, principal, madeBy: 'jobs-server' } as const
    return bearer((await createToken(world.sql, { name: principal, grant: { ...grant, scope: whole }, days: 1 })).token)
  }
  const propose = (as: Headers, request: object = { domain: 'a' }, path = paths.prune) =>
    world.post(planPath, { path, request }, { ...as, ...reason })
  const show = (id: number, as: Headers) => world.call('GET', `${planPath}/${id}`, undefined, as)
  const decide = ({ id, digest }: { id: number; digest: string }, action: string, as: Headers) =>
    world.post(`${planPath}/${id}/${action}`, { digest }, as)
  const apply = (id: number, as: Headers, body: object = {}, headers: Headers = {}) =>
    world.confirm(`${planPath}/${id}/apply`, body, { ...as, ...headers })
  const idsSeenBy = async (as: Headers) =>
    z
      .array(Plan)
      .parse((await world.call('GET', planPath, undefined, as)).body)
      .map(({ id }) => id)
      .reverse()

  it('are made, shown, approved and applied within the scope, whoever applies them', async () => {
    for (const domain of ['a', 'b']) await world.jobs(3, { ...old, domain })
    const ofAuthor = planOf(await propose(sue, {}))
    expect(ofAuthor).toMatchObject({ count: 3, domain: null, scope: { domains: ['a'] } })
    expect((await decide(ofAuthor, 'approve', tim)).status).toBe(200)
    expect(await apply(ofAuthor.id, sue)).toMatchObject({ status: 200, body: { deleted: 3 } })
    await world.jobs(3, { ...old, domain: 'a' })
    const ofBoss = planOf(await propose(sue, {}))
    expect((await decide(ofBoss, 'approve', people.boss)).status).toBe(200)
    expect(await show(ofBoss.id, people.boss)).toMatchObject({ body: { still_matching: 3 } })
    // The approver has no scope: the change keeps to the one of the plan.
    expect(await apply(ofBoss.id, people.boss)).toMatchObject({ status: 200, body: { deleted: 3 } })
    await world.jobs(2, { ...old, domain: 'a' })
    const detached = planOf(await propose(sue, {}))
    await decide(detached, 'approve', people.boss)
    const { operation_id } = acceptedOf(await apply(detached.id, people.boss, {}, { prefer: 'respond-async' }))
    const admin = { ...world, call: (...[m, p, b]: Parameters<World['call']>) => world.call(m, p, b, people.boss) }
    expect(await endOf(admin, operation_id)).toMatchObject({ state: 'done', affected: 2 })
    expect(await world.count()).toBe(3)
    expect((await world.call('GET', at.get(operation_id), undefined, sue)).status).toBe(200)
    await expectIntact(admin)
  })

  it('do not exist outside of it, and those within do, whoever made them', async () => {
    for (const domain of ['a', 'b']) await world.jobs(2, { ...old, domain })
    const ids = {
      narrow: planOf(await propose(sue, {})).id,
      wide: planOf(await propose(wide, {})).id,
      wideInDomain: planOf(await propose(wide)).id,
      open: planOf(await propose(people.ann)).id,
      other: planOf(await propose(people.ann, { domain: 'b' })).id,
      everything: planOf(await propose(people.ann, {})).id,
    }
    expect(await idsSeenBy(sue)).toEqual([ids.narrow, ids.wideInDomain, ids.open])
    expect(await idsSeenBy(wide)).toEqual([ids.narrow, ids.wide, ids.wideInDomain, ids.open, ids.other])
    expect(await idsSeenBy(people.ann)).toEqual(Object.values(ids))
    // The scope of the author names another domain, which this caller does not see.
    expect((await show(ids.wideInDomain, sue)).body).toMatchObject({ scope: null, count: 2, still_matching: 2 })
    expect(JSON.stringify((await world.call('GET', planPath, undefined, sue)).body)).not.toContain('"b"')
    const digest = '0'.repeat(64)
    for (const [action, body] of Object.entries({ approve: { digest }, reject: { digest }, apply: {} })) {
      const [foreign, unknown] = await Promise.all(
        [ids.wide, 987_654].map(async (id) => {
          const { status, body: answer } = await world.confirm(`${planPath}/${id}/${action}`, body, sue)
          return [
            status,
            JSON.stringify(answer)
              .replaceAll(`plan ${id}`, 'plan')
              .replaceAll(/"request_id":"[^"]*"/g, ''),
          ]
        }),
      )
      expect(foreign).toEqual(unknown)
      expect(foreign?.[0]).toBe(404)
    }
    expect(await propose(sue, { domain: 'b' })).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await propose(sue, {}, '/api/v1/jobs/erase')).toMatchObject({ status: 422 })
  })

  it('are applied under the scope of their author, and by nobody who has another one', async () => {
    await world.jobs(2, { ...old, domain: 'a' })
    await world.jobs(1, { ...old, domain: 'b' })
    const plan = planOf(await propose(sue, {}))
    await decide(plan, 'approve', wide)
    expect(await apply(plan.id, wide)).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('was made under another scope') },
    })
    const open = planOf(await propose(people.ann))
    await decide(open, 'approve', tim)
    expect(await apply(open.id, tim)).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('was made without a scope') },
    })
    const scope = { domains: ['b'], queues: [], job_types: [], cascade: false }
    const id = idOf(sue.authorization ?? '')
    expect((await world.post(`/api/v1/tokens/${id}/scope`, { scope }, people.boss)).status).toBe(200)
    expect((await apply(plan.id, sue)).status).toBe(404)
    expect((await world.post(`/api/v1/tokens/${id}/scope`, { scope: null }, people.boss)).status).toBe(200)
    expect(await apply(plan.id, sue)).toMatchObject({ status: 200, body: { deleted: 2 } })
    expect(await world.count()).toBe(1)
  })

  it('end no job outside that depends on theirs, and count none for another scope', async () => {
    const [needed, foreign] = [crypto.randomUUID(), crypto.randomUUID()]
    await world.jobs(1, { domain: 'a', status: 'queued', uuid: needed })
    await world.jobs(1, { domain: 'b', status: 'queued', uuid: foreign })
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${foreign}, ${needed})`
    const cancel = '/api/v1/jobs/batch/cancel'
    expect(await propose(sue, { domain: 'a' }, cancel)).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('1 job depends on what this would change') },
    })
    const open = planOf(await propose(people.ann, { domain: 'a' }, cancel))
    expect(open.dependents).toBe(1)
    expect((await show(open.id, sue)).status).toBe(404)
    const cascading = await scoped('kay', { domains: ['a'], cascade: true })
    expect(await propose(cascading, { domain: 'a', max: 1 }, cancel)).toMatchObject({
      status: 412,
      body: {
        detail: '1 job matches, and 1 outside would be changed along, above the limit of 1; no plan was made',
      },
    })
    const plan = planOf(await propose(cascading, { domain: 'a', max: 2 }, cancel))
    expect(plan.preview).toMatchObject({ dependents_elsewhere: 1 })
    // Whoever may not end jobs outside does not decide that another caller does.
    expect((await show(plan.id, sue)).status).toBe(404)
    expect(await idsSeenBy(sue)).not.toContain(plan.id)
    expect((await decide(plan, 'approve', sue)).status).toBe(404)
    expect((await decide(plan, 'reject', wide)).status).toBe(404)
    const other = await scoped('lia', { domains: ['a', 'c'], cascade: true })
    for (const reader of [other, people.boss])
      expect(await show(plan.id, reader)).toMatchObject({ body: { preview: { dependents_elsewhere: 1 } } })
    expect((await decide(plan, 'approve', other)).status).toBe(200)
    expect((await apply(plan.id, cascading)).status).toBe(200)
    expect(await world.sql`select from jobs where status = 'cancelled'`).toHaveLength(2)
  })
})
