import { afterEach, describe, expect, it } from 'vitest'
import { at, expectIntact, recordOf } from '../../support/changes/bulk-tools.ts'
import { acceptedOf, endOf, tracesOf } from '../../support/changes/detached.ts'
import { makePeople, planOf, planPath } from '../../support/changes/plans.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { spawnServer } from '../../support/programs/spawn-server.ts'
import { openWorld, paths } from '../../support/world.ts'

type Headers = Record<string, string>

const jobs = 40
/** Batches of 8 jobs, two a second. */
const slow = { rate: 16 }

describe('a plan whose server is killed', () => {
  const ending: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  /** A server in this process, another one to be killed, and an approved plan to prune all jobs, made and approved at the other one. */
  async function openTwo() {
    const world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    ending.push(() => world.stop())
    const people = await makePeople(world.sql)
    const other = await spawnServer(world.env)
    ending.push(() => other.kill())
    const send = (method: string, path: string, body: unknown, as: Headers) =>
      call({ url: other.url, method, path, body, headers: as })
    await until('the server is ready', async () => (await send('GET', '/readyz', undefined, {})).status === 200)
    await world.jobs(jobs, { domain: 'a', status: 'completed', completed_at: '2020-01-01T00:00:00Z' })
    const asked = { path: paths.prune, request: { domain: 'a' } }
    const plan = planOf(await send('POST', planPath, asked, { ...people.ann, 'x-reason': 'the disk is full' }))
    expect((await send('POST', `${planPath}/${plan.id}/approve`, { digest: plan.digest }, people.ben)).status).toBe(200)
    const apply = `${planPath}/${plan.id}/apply`
    const admin = { ...world, call: (...[m, p, b]: Parameters<typeof world.call>) => world.call(m, p, b, people.boss) }
    const applyAt = (headers: Headers) => send('POST', apply, slow, { ...people.ann, 'x-confirm': 'true', ...headers })
    const applyHere = (as: Headers) => world.confirm(apply, {}, as)
    /** The operation of the plan, once it has changed some of the jobs. */
    const running = () =>
      until('a batch is done', async () => {
        const [row] = await world.sql<{ id: number; affected: number }[]>`
          select id, affected from job_operations where kind = 'prune' and state = 'running' and affected > 0`
        return row
      })
    const shown = async () => planOf(await world.call('GET', `${planPath}/${plan.id}`, undefined, people.ann))
    return { world, admin, people, other, plan, applyAt, applyHere, running, shown }
  }

  it('after the approval is applied at another one, once', async () => {
    const { world, admin, people, other, applyHere, shown } = await openTwo()
    await other.kill()
    expect((await shown()).state).toBe('approved')
    const answers = await Promise.all([applyHere(people.ann), applyHere(people.ben)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(await shown()).toMatchObject({ state: 'applied' })
    expect(await world.count()).toBe(0)
    await expectIntact(admin)
  })

  it('while it is applied without its caller goes on at another one, with its approval and every job once', async () => {
    const { world, admin, people, other, plan, applyAt, applyHere, running, shown } = await openTwo()
    const { operation_id: id } = acceptedOf(await applyAt({ prefer: 'respond-async' }))
    const { affected } = await running()
    await other.kill()
    expect(affected).toBeLessThan(jobs)
    expect((await applyHere(people.ann)).status).toBe(409)
    expect(await endOf(admin, id)).toMatchObject({
      state: 'done',
      affected: jobs,
      filters: { approval: { plan: plan.id, digest: plan.digest } },
    })
    expect(await shown()).toMatchObject({ state: 'applied', operation_id: id })
    expect((await applyHere(people.ann)).status).toBe(409)
    expect(await tracesOf(world, id)).toMatchObject({ archived: jobs, in_events: jobs })
    await expectIntact(admin)
  })

  it('while its caller waits leaves a whole record of what was done, and is not applied a second time', async () => {
    const { world, admin, people, other, plan, applyAt, applyHere, running, shown } = await openTwo()
    const lost = applyAt({ 'idempotency-key': 'once' }).catch(() => 'lost')
    const { id } = await running()
    await other.kill()
    expect(await lost).toBe('lost')
    expect((await applyHere(people.ann)).status).toBe(409)
    const record = await until('the record is closed', async () => {
      const one = await recordOf(admin, id)
      return one.state === 'running' ? undefined : one
    })
    expect(record).toMatchObject({
      state: 'partial',
      filters: { approval: { plan: plan.id, digest: plan.digest }, principal: { author: 'ann', approver: 'ben' } },
    })
    expect(await world.count()).toBe(jobs - record.affected)
    expect(await tracesOf(world, id)).toMatchObject({ archived: record.affected })
    expect(await shown()).toMatchObject({ state: 'applied', operation_id: id })
    for (const as of [people.ann, people.ben]) expect((await applyHere(as)).status).toBe(409)
    const undone = await world.confirm(at.undo(id), {}, people.ann)
    expect(undone).toMatchObject({ status: 200, body: { affected: record.affected } })
    expect(await world.count()).toBe(jobs)
    await expectIntact(admin)
  })
})
