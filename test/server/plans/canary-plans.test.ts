import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { at, expectIntact } from '../../support/changes/bulk-tools.ts'
import { makePeople, type People, planOf, planPath } from '../../support/changes/plans.ts'
import { kinds } from '../../support/database/database.ts'
import { startServer } from '../../support/programs/built.ts'
import { openWorld, type World } from '../../support/world.ts'

type Headers = Record<string, string>

const path = '/api/v1/jobs/batch/retry'
const First = z.object({ affected: z.number(), operation_id: z.number(), rest_token: z.string() })

describe.each(kinds)('a plan with canary jobs on %s', (kind) => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from jobsctl_plans`
    await world.sql`delete from jobsctl_settings where name = 'approval_above'`
    people = await makePeople(world.sql)
    await world.jobs(5, { domain: 'a', status: 'failed' })
  })

  const approved = async (request: object = { domain: 'a', limit: 2 }) => {
    const plan = planOf(await world.post(planPath, { path, request }, { ...people.ann, 'x-reason': 'r' }))
    await world.post(`${planPath}/${plan.id}/approve`, { digest: plan.digest }, people.ben)
    return plan
  }
  const apply = (id: number, as: Headers, body: object = {}, headers: Headers = {}) =>
    world.confirm(`${planPath}/${id}/apply`, body, { ...as, ...headers })
  const shown = async (id: number) => (await world.call('GET', `${planPath}/${id}`, undefined, people.ben)).body
  const queued = async () => (await world.sql`select from jobs where status = 'queued'`).length

  it('is applied to these, and then to the others, once each, with the approval in both records', async () => {
    await world.post('/api/v1/jobs/approval', { above: 1 }, people.boss)
    const plan = await approved()
    expect(plan).toMatchObject({ count: 5, request: { limit: 2 } })
    const first = await apply(plan.id, people.ann, {}, { 'idempotency-key': 'first' })
    const { rest_token, operation_id } = First.parse(first.body)
    expect(first.body).toMatchObject({ affected: 2 })
    expect(await shown(plan.id)).toMatchObject({ operation_id, rest_operation_id: null })
    expect(await queued()).toBe(2)
    expect(await apply(plan.id, people.ann)).toMatchObject({ status: 409 })
    expect((await apply(plan.id, people.ann, {}, { 'idempotency-key': 'first' })).body).toMatchObject({ rest_token })
    // Later jobs do not belong to the plan, and the token is nothing without it.
    await world.jobs(1, { domain: 'a', status: 'failed' })
    const alone = { domain: 'a', preview_token: rest_token }
    expect(await world.confirm(path, alone, people.ann)).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    expect(await apply(plan.id, people.zoe, { rest_token })).toMatchObject({ status: 403 })
    const second = kind === 'postgres' ? await startServer(world.env, () => {}) : undefined
    await second?.prepared
    const answers = await Promise.all(
      [world.url, second?.url ?? world.url].map(async (url) => {
        const response = await fetch(`${url}${planPath}/${plan.id}/apply`, {
          method: 'POST',
          headers: { ...people.ben, 'x-confirm': 'true', 'content-type': 'application/json' },
          body: JSON.stringify({ rest_token, digest: plan.digest }),
        })
        return [response.status, z.looseObject({}).parse(await response.json())] as const
      }),
    )
    await second?.stop()
    expect(answers.map(([status]) => status).sort()).toEqual([200, 409])
    const rest = answers.find(([status]) => status === 200)?.[1]
    expect(rest).toMatchObject({ affected: 3 })
    expect(await shown(plan.id)).toMatchObject({ operation_id, rest_operation_id: rest?.operation_id })
    expect(await queued()).toBe(5)
    const records = await world.sql<{ filters: object }[]>`
      select filters from job_operations where kind = 'retry' order by id`
    const approval = { plan: plan.id, digest: plan.digest }
    expect(records).toMatchObject([{ filters: { approval, limit: 2 } }, { filters: { approval } }])
    const admin = { ...world, call: (...[m, p, b]: Parameters<World['call']>) => world.call(m, p, b, people.boss) }
    expect((await world.call('GET', at.get(operation_id), undefined, people.boss)).status).toBe(200)
    await expectIntact(admin)
  })

  it('answers the request for the others again after its term', async () => {
    const plan = await approved()
    const { rest_token } = First.parse((await apply(plan.id, people.ann)).body)
    const again = () => apply(plan.id, people.ann, { rest_token }, { 'idempotency-key': 'others' })
    const first = await again()
    expect(first).toMatchObject({ status: 200, body: { affected: 3 } })
    await world.sql`update jobsctl_plans set expires_at = now() - interval '1 second' where id = ${plan.id}`
    expect(await again()).toMatchObject({ status: 200, body: first.body })
    const other = apply(plan.id, people.ann, { rest_token }, { 'idempotency-key': 'new' })
    expect(await other).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
  })

  it('is rejected after its first jobs, until it is applied to the others', async () => {
    const reject = ({ id, digest }: { id: number; digest: string }) =>
      world.post(`${planPath}/${id}/reject`, { digest }, people.ben)
    const plan = await approved()
    const { rest_token } = First.parse((await apply(plan.id, people.ann)).body)
    expect(await reject(plan)).toMatchObject({ status: 200, body: { state: 'applied', decision: 'rejected' } })
    expect(await apply(plan.id, people.ann, { rest_token })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('was rejected') },
    })
    expect(await reject(plan)).toMatchObject({ status: 409 })
    expect(await queued()).toBe(2)
    const whole = await approved()
    const { rest_token: token } = First.parse((await apply(whole.id, people.ann)).body)
    expect(await apply(whole.id, people.ann, { rest_token: token })).toMatchObject({ status: 200 })
    expect(await reject(whole)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('applied to its other jobs already') },
    })
    await world.sql`update jobs set status = 'failed'`
    const atOnce = await approved({ domain: 'a' })
    expect(await apply(atOnce.id, people.ann)).toMatchObject({ status: 200 })
    expect(await reject(atOnce)).toMatchObject({ status: 409 })
  })

  it('is rejected where its application to the others has failed before it changed a job', async () => {
    const plan = await approved()
    const { operation_id, rest_token } = First.parse((await apply(plan.id, people.ann)).body)
    await world.sql`
      insert into job_operations (kind, filters, as_of, seen, caller, request_hash, state)
      select kind, filters, as_of, seen, caller, request_hash, 'failed' from job_operations where id = ${operation_id}::bigint`
    expect(await shown(plan.id)).toMatchObject({ rest_operation_id: null })
    await world.post(`${planPath}/${plan.id}/reject`, { digest: plan.digest }, people.ben)
    expect(await shown(plan.id)).toMatchObject({ decision: 'rejected' })
    expect(await apply(plan.id, people.ann, { rest_token })).toMatchObject({ status: 409 })
    expect(await queued()).toBe(2)
  })

  it('is not applied to the others once its term or its approver has ended, nor without a limit', async () => {
    const plan = await approved()
    const { rest_token } = First.parse((await apply(plan.id, people.ann)).body)
    await world.sql`update jobsctl_plans set expires_at = now() - interval '1 second' where id = ${plan.id}`
    expect(await apply(plan.id, people.ann, { rest_token })).toMatchObject({
      status: 409,
      body: { code: 'preview_stale' },
    })
    const whole = await approved({ domain: 'a' })
    expect(await apply(whole.id, people.ann, { rest_token })).toMatchObject({ status: 422 })
    const other = await approved({ domain: 'a', limit: 1 })
    expect(await apply(other.id, people.ann, { rest_token })).toMatchObject({
      status: 409,
      body: { code: 'preview_stale' },
    })
    expect(await queued()).toBe(2)
  })
})
