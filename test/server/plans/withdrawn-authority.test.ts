import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { idOf } from '../../support/access/tokens.ts'
import { clearAll, requeue } from '../../support/changes/bulk-tools.ts'
import { acceptedOf, endOf } from '../../support/changes/detached.ts'
import { makePeople, type People, planOf, planPath } from '../../support/changes/plans.ts'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { until } from '../../support/poll.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const old = { status: 'completed', completed_at: ago(40 * 86_400), domain: 'chatbooks' } as const
type Headers = Record<string, string>
const tokenOf = ({ authorization = '' }: Headers) => idOf(authorization)

describe.each(kinds)('authority that was taken back on %s', (kind) => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await clearAll(world)
    await world.sql`delete from jobsctl_plans`
    await world.sql`delete from jobsctl_settings where name = 'approval_above'`
    people = await makePeople(world.sql)
  })

  const admin = (id: string, word: string, body: object = {}) =>
    world.confirm(`/api/v1/tokens/${id}/${word}`, body, people.boss)
  const propose = async (request: object = { domain: 'chatbooks' }, path: string = paths.prune, as = people.ann) =>
    planOf(await world.post(planPath, { path, request }, { ...as, 'x-reason': 'the disk is full' }))
  const approve = async ({ id, digest }: { id: number; digest: string }) =>
    expect((await world.post(`${planPath}/${id}/approve`, { digest }, people.ben)).status).toBe(200)
  const apply = (id: number, body: object = {}, as = people.boss) => world.confirm(`${planPath}/${id}/apply`, body, as)
  const stateOf = async (id: number) =>
    planOf(await world.call('GET', `${planPath}/${id}`, undefined, people.boss)).state

  /** What may become of a token, and how it is given back. */
  const losses = [
    {
      loss: 'has a token that is suspended',
      of: 'both',
      take: (id: string) => admin(id, 'suspend'),
      give: (id: string) => admin(id, 'resume'),
    },
    {
      loss: 'has a token that has expired',
      of: 'both',
      take: (id: string) =>
        world.sql`update jobs_api_tokens set expires_at = now() - interval '1 second' where id = ${id}`,
      give: (id: string) =>
        world.sql`update jobs_api_tokens set expires_at = now() + interval '1 day' where id = ${id}`,
    },
    {
      loss: 'has lost the right',
      of: 'both',
      take: (id: string) => admin(id, 'role', { role: 'viewer' }),
      give: (id: string) => admin(id, 'role', { role: 'operator', approver: true }),
    },
    {
      loss: 'has a token with another scope',
      of: 'both',
      take: (id: string) => admin(id, 'scope', { scope: { domains: ['media'] } }),
      give: (id: string) => admin(id, 'scope', { scope: null }),
    },
    {
      loss: 'has lost the right "approve"',
      of: 'approver',
      take: (id: string) => admin(id, 'role', { role: 'operator', approver: false }),
      give: (id: string) => admin(id, 'role', { role: 'operator', approver: true }),
    },
    {
      loss: 'was blocked',
      of: 'both',
      take: (id: string) => world.sql`insert into jobsctl_callers (id, name, blocked_at) values (${id}, 'x', now())`,
      give: (id: string) => world.sql`delete from jobsctl_callers where id = ${id}`,
    },
  ] as const

  it.each(losses)('withdraws a plan while its author or its approver $loss', async ({ loss, of, take, give }) => {
    await world.jobs(3, old)
    for (const who of of === 'both' ? (['author', 'approver'] as const) : (['approver'] as const)) {
      // The principal of the approver applies it by its other tokens, too; here the author's does.
      const plan = await propose()
      await approve(plan)
      const id = tokenOf(who === 'author' ? people.ann : people.ben)
      await take(id)
      const by = who === 'author' ? people.ben : people.ann
      const refused = await apply(plan.id, {}, by)
      expect(refused, who).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
      expect(Object(refused.body).detail).toMatch(
        new RegExp(`^plan ${plan.id} is withdrawn: its ${who} ${id} ${loss}.*; nothing was changed$`),
      )
      expect(await stateOf(plan.id)).toBe('withdrawn')
      expect(await world.count()).toBe(3)
      await give(id)
      expect(await stateOf(plan.id), `given back to the ${who}`).toBe('approved')
      await world.sql`delete from jobsctl_plans`
    }
  })

  it('keeps a plan from the jobs after its canary', async () => {
    await world.jobs(4, { ...requeue.wanted, domain: 'chatbooks' })
    const plan = await propose({ domain: 'chatbooks', limit: 1 }, requeue.path)
    await approve(plan)
    const { rest_token } = z.object({ rest_token: z.string() }).parse((await apply(plan.id, {}, people.ann)).body)
    await admin(tokenOf(people.ben), 'suspend')
    const rest = await apply(plan.id, { rest_token }, people.ann)
    expect(rest).toMatchObject({ status: 409, body: { code: 'preview_stale' } })
    expect(await world.sql`select from jobs where status = 'quarantined'`).toHaveLength(3)
  })

  it('ends a change without its caller after a batch, and an emergency of a token that may make none any more', async () => {
    for (const { as, headers, role } of [
      { as: people.zoe, headers: {}, role: { role: 'viewer' } },
      {
        as: people.glass,
        headers: { 'x-emergency': 'true', 'x-reason': 'fire' },
        role: { role: 'operator', may_break_glass: false },
      },
    ]) {
      await clearAll(world)
      await world.jobs(60, { ...requeue.wanted, domain: 'chatbooks' })
      await world.post('/api/v1/jobs/approval', { above: 'x-emergency' in headers ? 3 : null }, people.boss)
      const begun = await world.confirm(
        requeue.path,
        { ...requeue.body, rate: 16 },
        { ...as, ...headers, prefer: 'respond-async' },
      )
      const { operation_id } = acceptedOf(begun)
      await until('a batch is done', async () => {
        const rows = await world.sql`select from jobs where status = 'queued'`
        return rows.length > 0
      })
      await admin(tokenOf(as), 'role', role)
      const byAdmin = { ...world, call: (m: string, p: string, b?: unknown) => world.call(m, p, b, people.boss) }
      expect(await endOf(byAdmin, operation_id)).toMatchObject({
        state: 'partial',
        error: `the token of its caller (${tokenOf(as)}) has lost the right to it`,
      })
    }
  })
})
