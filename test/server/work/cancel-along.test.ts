import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createToken } from '../../../server/auth/tokens.ts'
import type { Grant } from '../../../shared/access/rights.ts'
import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { bearer, idOf } from '../../support/access/tokens.ts'
import { clearAll } from '../../support/changes/bulk-tools.ts'
import { addEdge, waitingFor } from '../../support/changes/dependents.ts'
import { kinds } from '../../support/database/database.ts'
import { jobPath } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const Done = z.object({ status: z.string(), dependents: z.number(), operation_id: z.number().optional() })
const Counts = z.object({ kind: z.string(), affected: z.number(), state: z.string(), counts: z.unknown() })

describe.each(kinds)('cancel of a job that others wait for, on %s', (kind) => {
  let world: World
  let round = 0
  let principal: string
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await clearAll(world)
    await world.sql`delete from jobsctl_emergencies`
    await world.sql`delete from jobsctl_settings where name = 'approval_above'`
    round += 1
    principal = `crew ${round}`
  })

  const make = async (grant: Partial<Grant> & { scope?: TokenScope } = {}) => {
    const whole = { role: 'operator', may_enqueue: false, principal, madeBy: 'jobs-server', ...grant }
    return (await createToken(world.sql, { name: `${principal} ${grant.role ?? ''}`, grant: whole, days: 1 })).token
  }
  const boss = () => make({ role: 'admin' }).then(bearer)
  const limited = async (limits: object) => {
    const token = await make()
    await world.post(`/api/v1/tokens/${idOf(token)}/limits`, limits, await boss())
    return bearer(token)
  }
  const cancel = (id: number, as: Record<string, string>, body: object = {}, headers = {}) =>
    world.post(jobPath(id, 'cancel'), body, { ...as, ...headers })
  const states = async () => {
    const rows = await world.sql<{ status: string; n: number }[]>`
      select status, count(*) as n from jobs group by status order by status`
    return Object.fromEntries(rows.map(({ status, n }) => [status, Number(n)]))
  }
  const record = async (id: number | undefined, as: Record<string, string>) =>
    (await world.call('GET', `/api/v1/jobs/operations/${id}`, undefined, as)).body
  const undo = (id: number | undefined, as: Record<string, string>) =>
    world.confirm(`/api/v1/jobs/operations/${id}/undo`, {}, as)
  const refusedWhole = async (run: () => Promise<{ status: number; body: unknown }>, wanted: object) => {
    const [before, records] = [await world.fingerprint(), await world.sql`select id from job_operations`]
    expect(await run()).toMatchObject(wanted)
    expect(await world.fingerprint()).toBe(before)
    expect(await world.sql`select id from job_operations`).toEqual(records)
  }

  it('is an operation on record with their number, which an undo gives back', async () => {
    const as = await boss()
    const id = await waitingFor(world.sql, 5, { uuid: randomUUID() })
    await world.jobs(1, { status: 'queued' })
    const before = await world.rows()

    const answer = await cancel(id, as, { reason: 'wrong file' }, { 'x-reason': 'asked by ann' })

    const { operation_id, ...rest } = Done.parse(answer.body)
    expect(answer.status).toBe(200)
    expect(rest).toEqual({ status: 'cancelled', dependents: 5 })
    expect(await states()).toEqual({ cancelled: 6, queued: 1 })
    expect(Counts.parse(await record(operation_id, as))).toEqual({
      ...{ kind: 'cancel', affected: 1, state: 'done', counts: { cancelled: 1, asked: 0, dependents: 5 } },
    })
    expect(await record(operation_id, as)).toMatchObject({ filters: { job_id: id }, reason: 'asked by ann' })
    expect(await world.events()).toMatchObject([
      { event_type: 'jobs.cancelled', attrs_json: { operation: operation_id, affected: 1 } },
    ])
    expect((await world.call('GET', '/api/v1/jobs/operations/verify', undefined, as)).body).toMatchObject({ ok: true })
    expect(await undo(operation_id, as)).toMatchObject({ status: 200, body: { affected: 6, conflict_count: 0 } })
    const after = await world.rows()
    expect(after.map((row) => ({ ...row, updated_at: null }))).toEqual(
      before.map((row) => ({ ...row, updated_at: null })),
    )
  })

  it('answers as before where nothing waits for it, and writes no record', async () => {
    const as = await boss()
    const [id = 0] = await world.jobs(1, { status: 'queued' })
    expect(await cancel(id, as)).toMatchObject({ status: 200, body: { status: 'cancelled', dependents: 0 } })
    expect(await world.sql`select from job_operations where kind = 'cancel'`).toHaveLength(0)
  })

  it('counts them against the limits of the token, whole', async () => {
    const id = await waitingFor(world.sql, 5, { uuid: randomUUID() })
    const small = await limited({ max_per_change: 5 })
    const detail = expect.stringMatching(
      /^1 job matches, and 5 more go along, above the limit of 5 jobs a change of the token .*; nothing was changed$/,
    )
    await refusedWhole(() => cancel(id, small), { status: 412, body: { code: 'limit_exceeded', detail } })
    const day = await limited({ max_per_change: null, max_per_day: 8 })
    const other = await waitingFor(world.sql, 2, { uuid: randomUUID() })
    expect((await cancel(other, day)).status).toBe(200)
    await refusedWhole(() => cancel(id, day), { status: 429, body: { code: 'quota_exceeded' } })
    expect((await cancel(id, await limited({ max_per_change: 6 }))).status).toBe(200)
  })

  it.each(['operator', 'worker'] as const)('needs an approval above the number, of a %s too', async (role) => {
    await world.post('/api/v1/jobs/approval', { above: 3 }, await boss())
    const id = await waitingFor(world.sql, 3, { uuid: randomUUID() })
    const as = bearer(await make({ role }))
    const hint = expect.stringContaining(`/api/v1/jobs/batch/cancel and {"job_id": ${id}}`)
    await refusedWhole(() => cancel(id, as), { status: 403, body: { code: 'approval_required', hint } })
    await refusedWhole(() => cancel(id, as, {}, { 'x-emergency': 'true', 'x-reason': 'fire' }), { status: 403 })
    const glass = bearer(await make({ role: 'operator', may_break_glass: true }))
    const broken = await cancel(id, glass, {}, { 'x-emergency': 'true', 'x-reason': 'fire' })
    expect(broken).toMatchObject({ status: 200, body: { dependents: 3 } })
    expect(await record(Done.parse(broken.body).operation_id, await boss())).toMatchObject({
      filters: { emergency: true },
    })
  })

  it('takes a thousand of them, and of more says how to do it', async () => {
    const as = await boss()
    const uuid = randomUUID()
    const id = await waitingFor(world.sql, 1001, { uuid })
    const hint = expect.stringContaining(`POST /api/v1/jobs/batch/cancel with {"job_id": ${id}}`)
    await refusedWhole(() => cancel(id, as), { status: 409, body: { code: 'conflict', hint } })
    const worker = bearer(await make({ role: 'worker' }))
    await refusedWhole(() => cancel(id, worker), { status: 409 })
    await world.sql`delete from jobs where uuid = ${`${uuid}-1001`}`
    expect(await cancel(id, as)).toMatchObject({ status: 200, body: { dependents: 1000 } })
    const other = await waitingFor(world.sql, 1001, { uuid: randomUUID() })
    const done = await world.confirm('/api/v1/jobs/batch/cancel', { job_id: other }, as)
    expect(done).toMatchObject({ status: 200, body: { affected: 1 } })
    expect(await states()).toEqual({ cancelled: 1001 + 1002 })
  })

  it('counts each job once, whatever the edges: levels, a diamond, a circle, edges to nothing', async () => {
    const as = await boss()
    const [a, b, c, d, e, f] = 'abcdef'.split('').map((name) => `${name}-${randomUUID()}`)
    const id = await waitingFor(world.sql, 0, { uuid: a ?? '' })
    for (const uuid of [b, c, d, e, f]) await world.jobs(1, { status: 'queued', uuid: uuid ?? '' })
    // Five levels down, d by two ways, and a itself waits for the last.
    for (const [job, needs] of [
      [b, a],
      [c, a],
      [d, b],
      [d, c],
      [e, d],
      [f, e],
      [a, f],
      [randomUUID(), a],
    ])
      await addEdge(world.sql, job ?? '', needs ?? '')
    expect(await cancel(id, as)).toMatchObject({ status: 200, body: { dependents: 5 } })
    expect(await states()).toEqual({ cancelled: 6 })
  })

  it('leaves a running job with dependents alone but for its request, and with force takes them along', async () => {
    const as = await boss()
    const id = await waitingFor(world.sql, 2, { uuid: randomUUID() })
    await world.sql`
      update jobs set status = 'processing', worker_id = 'w', lease_id = 'l', leased_until = now() + interval '1 hour',
        started_at = now(), acquired_at = now()
      where id = ${id}`
    expect(await cancel(id, as)).toMatchObject({
      body: { status: 'processing', cancel_requested: true, dependents: 0 },
    })
    expect(await states()).toEqual({ processing: 1, queued: 2 })
    expect(await cancel(id, as, { force: true })).toMatchObject({ body: { status: 'cancelled', dependents: 2 } })
  })

  it('names those outside of a scope by their number alone, to a token that may take them along', async () => {
    const id = await waitingFor(world.sql, 2, { uuid: randomUUID(), domain: 'tales' })
    const scope = { domains: ['chatbooks'], queues: [], job_types: [], cascade: false }
    const without = bearer(await make({ scope }))
    await refusedWhole(() => cancel(id, without), { status: 403, body: { dependents_elsewhere: 2 } })
    const cascading = bearer(await make({ scope: { ...scope, cascade: true } }))
    const done = await cancel(id, cascading)
    expect(done.body).toMatchObject({ dependents: 0, dependents_elsewhere: 2 })
    expect(JSON.stringify(done.body)).not.toContain('tales')
    expect(await record(Done.parse(done.body).operation_id, cascading)).toMatchObject({
      counts: { dependents: 2, dependents_elsewhere: 2 },
    })
  })

  it('runs beside other changes of its kind, and ends each job once', async () => {
    const as = await boss()
    const ids = await Promise.all(Array.from({ length: 6 }, () => waitingFor(world.sql, 3, { uuid: randomUUID() })))
    const answers = await Promise.all([...ids, ...ids].map((id) => cancel(id, as)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    const all = answers.map(({ body }) => Done.parse(body).dependents)
    expect(all.reduce((sum, n) => sum + n, 0)).toBe(18)
    expect(await states()).toEqual({ cancelled: 24 })
    expect(await world.sql`select from job_operations where kind = 'cancel'`).toHaveLength(6)
  })

  it('is refused while the database is frozen', async () => {
    const id = await waitingFor(world.sql, 2, { uuid: randomUUID() })
    const as = await boss()
    await world.sql`insert into jobsctl_settings (name, value) values ('freeze', 'by hand')`
    await refusedWhole(() => cancel(id, as), { status: 403, body: { code: 'frozen' } })
    await world.sql`delete from jobsctl_settings where name = 'freeze'`
  })
})
