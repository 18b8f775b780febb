import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { rotateToken } from '../../../server/auth/tokens.ts'
import { bearer, idOf } from '../../support/access/tokens.ts'
import { makePeople, type People, planOf, planPath } from '../../support/changes/plans.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

type Headers = Record<string, string>

const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }
const Token = z.object({ token: z.string() })

describe.each(kinds)('another person on %s', (kind) => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from jobsctl_plans`
    await world.sql`delete from jobsctl_emergencies`
    people = await makePeople(world.sql)
    await world.jobs(4, { ...old, domain: 'a' })
  })

  const idBehind = (as: Headers) => idOf(as.authorization ?? '')
  const secretOf = ({ body }: { body: unknown }): Headers => bearer(Token.parse(body).token)
  const rotate = async (whose: Headers, as: Headers) =>
    secretOf(await world.post(`/api/v1/tokens/${idBehind(whose)}/rotate`, {}, as))
  const make = async (grant: object, as: Headers) => secretOf(await world.post('/api/v1/tokens', grant, as))
  const rotateAtShell = (whose: Headers, overlapSeconds: number) =>
    world.sql.begin(async (tx) => bearer(await rotateToken(tx, idBehind(whose), { by: undefined, overlapSeconds })))
  const propose = async (as: Headers) =>
    planOf(
      await world.post(
        planPath,
        { path: paths.prune, request: { domain: 'a' } },
        { ...as, 'x-reason': 'the disk is full' },
      ),
    )
  const approve = ({ id, digest }: { id: number; digest: string }, as: Headers) =>
    world.post(`${planPath}/${id}/approve`, { digest }, as)
  const refused = (detail: string) => ({
    status: 403,
    body: { code: 'forbidden', detail: expect.stringContaining(detail) },
  })

  it('is no token whose secret the author has, since it rotated it, or one that rotated it', async () => {
    const plan = await propose(people.boss)
    const stolen = await rotate(people.ben, people.boss)
    expect(await approve(plan, stolen)).toMatchObject(refused('boss, of whom plan'))
    // The owner has the old secret of the same token for as long as both are taken: nobody can tell which of them calls.
    expect(await approve(plan, people.ben)).toMatchObject(refused('has made or rotated the token'))
    const other = await make({ name: 'second', role: 'admin', principal: 'second' }, people.boss)
    const zoe = await rotate(people.zoe, other)
    await world.post(`/api/v1/tokens/${idBehind(zoe)}/role`, { role: 'operator', approver: true }, people.boss)
    expect(await approve(plan, zoe)).toMatchObject(refused('boss, of whom plan'))
    expect((await world.call('GET', `${planPath}/${plan.id}`, undefined, people.ben)).body).toMatchObject({
      state: 'waiting',
    })
    const kept = await world.sql<{ secrets_by: string[] }[]>`
      select secrets_by from jobsctl_tokens where id = ${idBehind(zoe)}`
    expect(kept).toEqual([{ secrets_by: ['jobs-server', idBehind(other), idBehind(people.boss)].sort() }])
  })

  it('does not become one by a rotation with its own secret', async () => {
    const admin = await make({ name: 'mine', role: 'admin', principal: 'somebody' }, people.boss)
    const stolen = await rotate(people.annAgain, people.boss)
    await world.post(`/api/v1/tokens/${idBehind(stolen)}/role`, { role: 'admin' }, people.boss)
    const again = await rotate(stolen, stolen)
    const plan = await propose(people.boss)
    expect(await approve(plan, again)).toMatchObject(refused('boss, of whom plan'))
    expect(await approve(plan, await rotate(admin, admin))).toMatchObject(refused('boss, of whom plan'))
  })

  it('is none who has a secret of the author, nor one behind whose tokens the same caller stands', async () => {
    const asZoe = await rotate(people.zoe, people.boss)
    const plan = await propose(asZoe)
    expect(await approve(plan, people.boss)).toMatchObject(refused('boss, your principal, has made or rotated'))
    const puppet = await make({ name: 'p', role: 'viewer', approver: true, principal: 'p' }, people.boss)
    expect(await approve(plan, puppet)).toMatchObject(refused('boss has made or rotated both'))
    expect((await approve(plan, people.ben)).status).toBe(200)
  })

  it('is one whose secret was made at the shell, and the old one ended at once', async () => {
    const plan = await propose(people.boss)
    await rotate(people.ben, people.boss)
    const overlapping = await rotateAtShell(people.ben, 60)
    expect(await approve(plan, overlapping)).toMatchObject(refused('boss, of whom plan'))
    const own = await rotateAtShell(people.ben, 0)
    const shown = await world.call('GET', `/api/v1/tokens/${idBehind(own)}`, undefined, people.boss)
    expect(shown.body).toMatchObject({ secrets_by: ['jobs-server'] })
    expect((await approve(plan, own)).status).toBe(200)
  })

  it('reviews an emergency, and nobody else', async () => {
    await world.post('/api/v1/jobs/approval', { above: 1 }, people.boss)
    const glass = await make({ name: 'g', role: 'operator', may_break_glass: true, principal: 'gus' }, people.boss)
    const done = await world.confirm(
      paths.prune,
      { domain: 'a' },
      { ...glass, 'x-emergency': 'true', 'x-reason': 'the disk is full' },
    )
    await world.post('/api/v1/jobs/approval', { above: null }, people.boss)
    const { operation_id } = z.object({ operation_id: z.number() }).parse(done.body)
    const review = (as: Headers) => world.post(`/api/v1/jobs/operations/${operation_id}/review`, {}, as)
    expect(await review(people.boss)).toMatchObject(refused('boss, your principal'))
    const puppet = await make({ name: 'p', role: 'viewer', approver: true, principal: 'p' }, people.boss)
    expect(await review(puppet)).toMatchObject(refused('boss has made or rotated both'))
    expect((await review(people.ben)).status).toBe(200)
  })
})
