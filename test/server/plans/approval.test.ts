import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { bearer, makeScoped } from '../../support/access/tokens.ts'
import { clearAll } from '../../support/changes/bulk-tools.ts'
import { waitingFor } from '../../support/changes/dependents.ts'
import { makePeople, type People, planOf, planPath } from '../../support/changes/plans.ts'
import { kinds } from '../../support/database/database.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const old = { status: 'completed', completed_at: '2020-01-01T00:00:00Z' }
const setting = '/api/v1/jobs/approval'
const needed = { status: 403, body: { code: 'approval_required' } }

describe.each(kinds)('approval of large changes on %s', (kind) => {
  let world: World
  let people: People
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    // The principals of each test have changed nothing yet.
    await clearAll(world)
    await world.sql`delete from jobsctl_plans`
    await world.sql`delete from jobsctl_emergencies`
    people = await makePeople(world.sql)
    await set(3)
  })

  const set = (above: number | null, as = people.boss) => world.post(setting, { above }, as)
  const finished = (n: number, domain: string) => world.jobs(n, { ...old, domain })
  const prune = (domain: string | undefined, as = people.ann, headers = {}) =>
    world.confirm(paths.prune, domain === undefined ? {} : { domain }, { ...as, ...headers })
  const operationOf = ({ body }: { body: unknown }) => z.object({ operation_id: z.number() }).parse(body).operation_id

  it('is off until an admin sets a number, on record, and everybody may read it', async () => {
    await set(null)
    await finished(5, 'a')
    expect((await world.call('GET', setting, undefined, people.zoe)).body).toMatchObject({ above: null, to_review: [] })
    expect((await prune('a')).status).toBe(200)
    expect((await set(3, people.ann)).status).toBe(403)
    expect((await set(-1)).status).toBe(422)
    expect(await set(3)).toMatchObject({ status: 200, body: { above: 3, above_in_database: 3, above_on_server: null } })
    const acts = await world.sql<{ filters: object }[]>`
      select filters from job_operations where kind = 'approval.set' order by id desc limit 2`
    expect(acts.map(({ filters }) => filters)).toMatchObject([{ above: 3 }, { above: 'off', above_before: 3 }])
    const caller = await world.call('GET', '/api/v1/caller', undefined, people.ann)
    expect(caller.body).toMatchObject({ approval_above: 3 })
  })

  it('is needed of every change where somebody has written no number by hand, until a number is set', async () => {
    await world.sql`update jobsctl_settings set value = 'lots' where name = 'approval_above'`
    expect((await world.call('GET', '/api/v1/caller', undefined, people.boss)).body).toMatchObject({
      approval_above: 0,
    })
    expect(await set(4)).toMatchObject({ status: 200, body: { above: 4 } })
  })

  it('is needed above the number, by whatever way, and says how to get it', async () => {
    await finished(4, 'a')
    const before = await world.fingerprint()
    const refused = await prune('a')
    expect(refused).toMatchObject({
      status: 403,
      body: {
        code: 'approval_required',
        detail: expect.stringContaining('4 jobs match, and a prune of more than 3 jobs needs the approval'),
        hint: expect.stringContaining('POST /api/v1/jobs/plans'),
      },
    })
    const dry = await world.post(paths.prune, { domain: 'a', dry_run: true }, people.ann)
    const { preview } = z.object({ preview: z.object({ token: z.string() }) }).parse(dry.body)
    const body = { domain: 'a', preview_token: preview.token }
    expect(await world.confirm(paths.prune, body, people.ann)).toMatchObject(needed)
    expect(await world.confirm(paths.prune, body, { ...people.ann, prefer: 'respond-async' })).toMatchObject(needed)
    expect(await prune('a', people.boss)).toMatchObject(needed)
    expect(await world.fingerprint()).toBe(before)
    expect(await world.sql`select from job_operations where state = 'running'`).toHaveLength(0)
    await world.sql`delete from jobs where id = (select min(id) from jobs)`
    expect(await prune('a')).toMatchObject({ status: 200, body: { deleted: 3 } })
  })

  it('is asked of a token with a scope, too, and told to plan it', async () => {
    await finished(4, 'a')
    const limited = await makeScoped(world.sql, 'operator', { domains: ['a'] })
    const refused = await prune('a', bearer(limited))
    expect(refused).toMatchObject(needed)
    expect(refused.body).toMatchObject({ hint: expect.stringContaining('POST /api/v1/jobs/plans') })
    const cli = await world.jobsctl(['prune', '--domain', 'a', '--older-than', '30d', '--yes'], {
      env: { JOBSCTL_API_KEY: undefined, JOBSCTL_TOKEN: limited },
    })
    expect(cli).toMatchObject({ code: 3, err: expect.stringContaining('--propose') })
  })

  it('adds up changes with the same effect, whatever their kinds, with all that goes along', async () => {
    await world.jobs(2, { domain: 'a', status: 'queued', created_at: '2020-01-01T00:00:00Z' })
    const sweep = (as = people.ann) => world.confirm(paths.sweep, { domain: 'a', age_seconds: 3600 }, as)
    const cancel = (id: number, as = people.ann) => world.post(`/api/v1/jobs/${id}/cancel`, {}, as)
    const id = await waitingFor(world.sql, 1, { uuid: randomUUID(), of: 'a', domain: 'b' })
    const answer = await cancel(id)
    expect(answer).toMatchObject({ status: 200, body: { dependents: 1 } })
    const refused = await sweep()
    expect(refused).toMatchObject(needed)
    expect(refused.body).toMatchObject({ detail: expect.stringContaining('ann has changed 2 so in 24 hours') })
    const other = await waitingFor(world.sql, 1, { uuid: randomUUID(), of: 'a' })
    expect(await cancel(other)).toMatchObject(needed)
    expect((await sweep(people.zoe)).status).toBe(200)
    await finished(2, 'a')
    expect((await prune('a')).status).toBe(200)
  })

  it('adds up what a principal changed in a day without one, by effect and domain', async () => {
    for (const domain of ['a', 'b']) await finished(2, domain)
    expect((await prune('a')).status).toBe(200)
    await finished(2, 'a')
    const refused = await prune('a', people.annAgain)
    expect(refused).toMatchObject(needed)
    expect(refused.body).toMatchObject({ detail: expect.stringContaining('ann has changed 2 so in 24 hours') })
    expect((await prune('b')).status).toBe(200)
    expect(await prune(undefined)).toMatchObject(needed)
    expect((await prune('a', people.zoe)).status).toBe(200)
    await finished(2, 'a')
    await world.sql`update job_operations set ended_at = ended_at - interval '25 hours' where kind = 'prune'`
    expect((await prune('a')).status).toBe(200)
  })

  it('lets no two changes through that begin at once', async () => {
    await set(5)
    for (const queue of ['q', 'r', 's', 't']) await world.jobs(3, { ...old, domain: 'a', queue })
    const second = kind === 'postgres' ? await startServer(world.env, () => {}) : undefined
    await second?.prepared
    try {
      const send = (queue: string, at: number) =>
        fetch(`${at % 2 === 1 && second ? second.url : world.url}${paths.prune}`, {
          method: 'POST',
          headers: {
            ...{ authorization: people.ann.authorization ?? '', 'x-confirm': 'true' },
            'content-type': 'application/json',
          },
          body: JSON.stringify({ domain: 'a', queue }),
        }).then(({ status }) => status)
      const all = await Promise.all(['q', 'r', 's', 't'].map(send))
      expect(all.filter((status) => status === 200)).toHaveLength(1)
      expect(all.filter((status) => status === 403)).toHaveLength(3)
      expect(await world.count()).toBe(9)
    } finally {
      await second?.stop()
    }
  })

  it('is given by a plan, which counts for nothing else, and an undo needs none', async () => {
    await finished(4, 'a')
    const asked = { path: paths.prune, request: { domain: 'a' } }
    const plan = planOf(await world.post(planPath, asked, { ...people.ann, 'x-reason': 'r' }))
    await world.post(`${planPath}/${plan.id}/approve`, { digest: plan.digest }, people.ben)
    const applied = await world.confirm(`${planPath}/${plan.id}/apply`, {}, people.ann)
    expect(applied).toMatchObject({ status: 200, body: { deleted: 4 } })
    await finished(3, 'a')
    expect((await prune('a')).status).toBe(200)
    const undo = `/api/v1/jobs/operations/${operationOf(applied)}/undo`
    expect(await world.confirm(undo, {}, people.ann)).toMatchObject({ status: 200, body: { affected: 4 } })
  })

  it('is passed in an emergency by a token that may, with a reason, and waits for a review by somebody else', async () => {
    await finished(4, 'a')
    const emergency = { 'x-emergency': 'true' }
    const why = { ...emergency, 'x-reason': 'the disk is full' }
    expect(await prune('a', people.ann, why)).toMatchObject({
      status: 403,
      body: { code: 'forbidden', detail: expect.stringContaining('lacks the right "break_glass"') },
    })
    expect(await prune('a', people.boss, why)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await prune('a', people.glass, emergency)).toMatchObject({ status: 422 })
    expect(await world.count()).toBe(4)
    const done = await prune('a', people.glass, why)
    expect(done).toMatchObject({ status: 200, body: { deleted: 4 } })
    const id = operationOf(done)
    const record = await world.call('GET', `/api/v1/jobs/operations/${id}`, undefined, people.boss)
    expect(record.body).toMatchObject({ filters: { emergency: true, principal: 'ann' }, reason: 'the disk is full' })
    const waiting = async () =>
      z
        .object({ to_review: z.array(z.looseObject({ operation_id: z.number() })) })
        .parse((await world.call('GET', setting, undefined, people.zoe)).body).to_review
    expect(await waiting()).toMatchObject([{ operation_id: id, principal: 'ann' }])
    const review = (as: Record<string, string>) => world.post(`/api/v1/jobs/operations/${id}/review`, {}, as)
    expect((await review(people.zoe)).status).toBe(403)
    expect((await review(people.annAgain)).status).toBe(403)
    expect((await review(people.ben)).status).toBe(200)
    expect(await waiting()).toEqual([])
    expect((await review(people.boss)).status).toBe(404)
    // A change that needs no approval is no emergency.
    await finished(1, 'b')
    const small = await prune('b', people.glass, why)
    expect(await waiting()).toEqual([])
    expect(small.status).toBe(200)
    const { body } = await world.call('GET', '/api/v1/jobs/operations/verify', undefined, people.boss)
    expect(body).toMatchObject({ ok: true })
  })
})

describe.each(kinds)('approval in single-user mode on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())

  it('is refused, since one caller cannot approve itself', async () => {
    expect(await world.post(setting, { above: 5 })).toMatchObject({ status: 409, body: { code: 'conflict' } })
    await world.jobs(1, { ...old, domain: 'a' })
    const plan = { path: paths.prune, request: { domain: 'a' } }
    expect(await world.post(planPath, plan, { 'x-reason': 'r' })).toMatchObject({ status: 409 })
    const started = await runServer([], { ...world.env, PORT: '0', JOBS_APPROVAL_ABOVE: '5' })
    expect(started).toMatchObject({ code: 2, err: expect.stringContaining('AUTH_MODE=multi_user') })
  })
})

it('a server lowers the number of the database, and never raises it', async () => {
  const world = await openWorld('postgres', { AUTH_MODE: 'multi_user', JOBS_APPROVAL_ABOVE: '2' })
  try {
    const people = await makePeople(world.sql)
    const read = async () => (await world.call('GET', setting, undefined, people.zoe)).body
    expect(await read()).toMatchObject({ above: 2, above_in_database: null, above_on_server: 2 })
    await world.post(setting, { above: 10 }, people.boss)
    expect(await read()).toMatchObject({ above: 2, above_in_database: 10 })
    await world.post(setting, { above: 1 }, people.boss)
    expect(await read()).toMatchObject({ above: 1 })
  } finally {
    await world.stop()
  }
})
