import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { OperationRecord } from '../../../shared/records/records.ts'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const group = { domain: 'chatbooks', queue: 'default', job_type: 'index' }
const queue = { domain: 'chatbooks', queue: 'default' }
const control = '/api/v1/jobs/queue/control'
const policy = '/api/v1/jobs/sla/policy'
const later = new Date(Date.now() + 30 * 86_400_000).toISOString()

describe.each(kinds)('acts on record on %s', (kind) => {
  let world: World
  let boss = ''
  let admin: Record<string, string>
  let auditor: Record<string, string>
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    boss = await makeToken(world.sql, 'boss', 'admin')
    admin = { ...bearer(boss), 'x-confirm': 'true', 'x-reason': 'a leaked token' }
    auditor = bearer(await makeToken(world.sql, 'audit', 'auditor'))
  })
  afterAll(() => world?.stop())

  const list = async (query = '', as = auditor): Promise<OperationRecord[]> => {
    const { body } = await world.call('GET', `/api/v1/jobs/operations?limit=1000${query}`, undefined, as)
    return z.array(OperationRecord).parse(body)
  }
  /** The acts of one call or more, the oldest first. */
  async function actsOf(change: () => Promise<unknown>): Promise<OperationRecord[]> {
    const before = (await list()).at(0)?.id ?? 0
    await change()
    return (await list()).filter(({ id }) => id > before).reverse()
  }
  const verify = async () => (await world.call('GET', '/api/v1/jobs/operations/verify', undefined, auditor)).body
  const send = (path: string, body: object = {}) => world.post(path, body, admin)

  it('have who, from where, when and why, each once, and are sealed in the chain of bulk changes', async () => {
    let made = { id: '', token: '' }
    const acts = await actsOf(async () => {
      const { body } = await send('/api/v1/tokens', { name: 'ci', role: 'worker' })
      made = z.object({ id: z.string(), token: z.string() }).parse(body)
      const of = (action: string) => `/api/v1/tokens/${made.id}/${action}`
      await send(of('role'), { role: 'viewer' })
      await send(of('rotate'))
      for (const action of ['suspend', 'resume', 'revoke']) await send(of(action))
      await send(control, { ...queue, action: 'pause', reason: 'disk full' })
      await send(control, { ...queue, action: 'drain' })
      await send(control, { ...queue, action: 'resume' })
      await send(policy, { ...group, max_duration_seconds: 60 })
      await world.call('DELETE', policy, group, admin)
      const hold = z
        .object({ id: z.number() })
        .parse((await send('/api/v1/jobs/holds', { ...queue, until: later })).body)
      await send(`/api/v1/jobs/holds/${hold.id}/remove`)
    })
    expect(acts.map((act) => act.kind)).toEqual([
      ...['token.created', 'token.role_set', 'token.rotated', 'token.suspended', 'token.resumed', 'token.revoked'],
      ...[
        'queue.paused',
        'queue.drained',
        'queue.resumed',
        'limits.set',
        'limits.deleted',
        'hold.added',
        'hold.removed',
      ],
    ])
    for (const act of acts) {
      expect(act).toMatchObject({
        caller: idOf(boss),
        state: 'done',
        affected: 0,
        hash: expect.stringMatching(/^\w{64}$/),
      })
      expect(act.filters).toMatchObject({ address: '127.0.0.1' })
      expect(act.reason).toBe(act.kind === 'queue.paused' ? 'disk full' : 'a leaked token')
    }
    expect(acts[1]?.filters).toMatchObject({ token: made.id, name: 'ci', role: 'viewer', role_before: 'worker' })
    expect(acts[7]).toMatchObject({ ...queue, filters: { before: { paused: true, drain: false } } })
    expect(acts[10]).toMatchObject({ ...group, filters: { before: { max_duration_seconds: 60 } } })
    expect(acts[12]).toMatchObject({ ...queue, filters: { until: expect.stringContaining(later.slice(0, 10)) } })
    expect(JSON.stringify(acts)).not.toContain(made.token.slice(18))
    expect(await verify()).toMatchObject({ ok: true, without_event: 0 })

    await world.sql`update job_operations set filters = filters || '{"address": "10.0.0.1"}' where id = ${acts[2]?.id ?? 0}`
    expect(await verify()).toMatchObject({ ok: false, days: [{ broken: [acts[2]?.id] }] })
    await world.sql`update job_operations set filters = filters || '{"address": "127.0.0.1"}' where id = ${acts[2]?.id ?? 0}`
  })

  it('have no record where nothing was changed', async () => {
    const token = await makeToken(world.sql, 'calm', 'viewer')
    const of = (action: string) => `/api/v1/tokens/${idOf(token)}/${action}`
    await send(of('revoke'))
    await send(policy, { ...group, max_duration_seconds: 60 })
    const acts = await actsOf(async () => {
      expect((await send(of('revoke'))).status).toBe(200)
      expect((await send(of('suspend'))).status).toBe(409)
      expect((await send('/api/v1/tokens/ffffffffffff/revoke')).status).toBe(404)
      expect((await send(control, { ...queue, action: 'resume' })).status).toBe(200)
      expect((await send(policy, { ...group, max_duration_seconds: 60 })).status).toBe(200)
      expect((await world.call('DELETE', policy, { ...group, job_type: 'none' }, admin)).status).toBe(404)
      expect((await send('/api/v1/jobs/holds/999/remove')).status).toBe(404)
    })
    expect(acts).toEqual([])
  })

  it('are not made where their record cannot be written', async () => {
    const token = await makeToken(world.sql, 'whole', 'viewer')
    const until = async () =>
      (await world.sql`select 1 from jobs_api_tokens where revoked_at is null and id = ${idOf(token)}`).length
    await world.sql.unsafe(`
      create function refuse_seal() returns trigger language plpgsql as 'begin raise exception ''no seal''; end';
      create trigger refuse_seal before insert on jobsctl_seals for each row execute function refuse_seal()`)
    try {
      for (const [path, body] of [
        [`/api/v1/tokens/${idOf(token)}/revoke`, {}],
        [control, { ...queue, action: 'pause' }],
        ['/api/v1/jobs/holds', { ...queue, until: later }],
      ] as const)
        expect((await send(path, body)).status, path).toBeGreaterThanOrEqual(409)
      expect(await until()).toBe(1)
      expect(await world.sql`select from job_queue_controls where paused`).toHaveLength(0)
      expect(await world.sql`select from jobsctl_holds where until > now()`).toHaveLength(0)
    } finally {
      await world.sql.unsafe('drop trigger refuse_seal on jobsctl_seals; drop function refuse_seal()')
    }
    expect(await verify()).toMatchObject({ ok: true })
  })

  it('are listed beside bulk changes or alone, shown by id, and have no undo; their addresses and names are for whoever may list tokens', async () => {
    await world.jobs(1)
    const pruned = await world.confirm(paths.prune, { ...queue, statuses: ['completed'], older_than_days: 1 }, admin)
    expect(pruned.status).toBe(200)
    const kindsOf = async (query: string) => (await list(query)).map((record) => record.kind)
    expect(new Set(await kindsOf('&kind=changes'))).toEqual(new Set(['prune']))
    expect(await kindsOf('&kind=acts')).not.toContain('prune')
    expect(new Set(await kindsOf('&kind=token.revoked'))).toEqual(new Set(['token.revoked']))

    const [act] = await list('&kind=token.revoked')
    const id = act?.id ?? 0
    const refused = await world.confirm(`/api/v1/jobs/operations/${id}/undo`, {}, admin)
    expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('it is an act') } })

    const operator = bearer(await makeToken(world.sql, 'op', 'operator'))
    const [seen] = await list('&kind=token.revoked', operator)
    expect(seen?.filters).toMatchObject({ token: expect.any(String), role: expect.any(String) })
    for (const name of ['address', 'name', 'principal']) expect(seen?.filters).not.toHaveProperty(name)

    const shown = (argv: string[]) => world.jobsctl(argv, { env: { JOBSCTL_API_KEY: '', JOBSCTL_TOKEN: boss } })
    expect(await shown(['operations', '--kind', 'acts', '--caller', idOf(boss)])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/token\.revoked\tdone.*a leaked token/),
    })
    expect((await shown(['operations', String(id)])).out).toMatch(/filters\t.*"token":/)
  })
})
