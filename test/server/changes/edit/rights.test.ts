import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createToken } from '../../../../server/auth/tokens.ts'
import type { Grant } from '../../../../shared/access/rights.ts'
import { bearer, idOf, makeScoped, makeToken } from '../../../support/access/tokens.ts'
import { clearAll } from '../../../support/changes/bulk-tools.ts'
import { planOf, planPath } from '../../../support/changes/plans.ts'
import { filteredPaths } from '../../../support/filtered.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../../support/world.ts'

const path = filteredPaths.edit
const set = [{ path: 'payload.url', value: 's3cret' }]

describe('who may edit', () => {
  let world: World
  let other: World
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    other = await openWorld('postgres', { JOBS_EDIT_PATHS: 'payload.url, payload.a.b, priority' })
  })
  afterAll(async () => {
    await world?.stop()
    await other?.stop()
  })
  beforeEach(() => clearAll(world))

  const make = async (principal: string, grant: Partial<Grant> = {}) => {
    const whole = { role: 'operator', may_enqueue: false, principal, madeBy: 'jobs-server', ...grant }
    return (await createToken(world.sql, { name: principal, grant: whole, days: 1 })).token
  }
  const edit = (token: string, body: object = {}) =>
    world.confirm(path, { domain: 'chatbooks', set, ...body }, bearer(token))

  it('is an admin, and an operator by --may-edit alone', async () => {
    await world.jobs(1, { status: 'queued', payload: {} })
    const operator = await make('ann')
    const refused = await edit(operator, { dry_run: true })
    expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(JSON.stringify(refused.body)).toMatch(/lacks the right \\"edit\\".*--may-edit/)
    expect((await edit(await makeToken(world.sql, 'veteran'))).status).toBe(403)
    expect((await edit(await make('ben', { may_edit: true }))).body).toMatchObject({ affected: 1 })
    expect((await edit(await make('boss', { role: 'admin' }), { unset: ['payload.x'] })).status).toBe(200)
    const shell = (...argv: string[]) => runServer(['token', ...argv], world.env)
    expect(await shell('set-role', idOf(operator), 'operator', '--may-edit')).toMatchObject({ code: 0 })
    expect((await edit(operator)).status).toBe(200)
    expect(await shell('set-role', idOf(operator), 'viewer', '--may-edit')).toMatchObject({ code: 2 })
    expect(await shell('set-role', idOf(operator), 'operator')).toMatchObject({ code: 0 })
    expect((await edit(operator)).status).toBe(403)
  })

  it('is told to who may list tokens', async () => {
    const boss = await make('boss', { role: 'admin' })
    const names = async () => {
      const { body } = await world.call('GET', '/api/v1/caller', undefined, bearer(boss))
      return JSON.stringify(body)
    }
    await make('zoe')
    await make('ben who edits', { may_edit: true })
    expect(await names()).toContain('"name":"ben who edits"')
    expect(await names()).not.toContain('"name":"zoe"')
  })

  it('gives jobs another owner only as an admin, and no other type than those of the token', async () => {
    await world.jobs(2, { status: 'queued', domain: 'chatbooks', job_type: 'export' })
    const owner = { set: [{ path: 'owner_user_id', value: 'alice' }] }
    expect(await edit(await make('ben', { may_edit: true }), owner)).toMatchObject({
      status: 403,
      body: { detail: 'only an admin may give jobs another owner; nothing was changed' },
    })
    expect((await edit(await make('boss', { role: 'admin' }), owner)).body).toMatchObject({ affected: 2 })
    const scoped = await makeScoped(world.sql, 'operator', { job_types: ['export', 'import'] })
    await world.sql`update jobsctl_tokens set may_edit = true where id = ${idOf(scoped)}`
    const typed = (value: string, more: object = {}) => edit(scoped, { set: [{ path: 'job_type', value }], ...more })
    expect(await typed('purge')).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await edit(scoped, { set: [{ path: 'job_type', json: '"purge"' }] })).toMatchObject({ status: 403 })
    expect((await typed('import', { limit: 1 })).body).toMatchObject({ affected: 1 })
  })

  it('plans an edit only with the right, which shows values to who may see payloads', async () => {
    await world.jobs(3, { status: 'queued', payload: {} })
    const [ann, ben, boss, viewer] = [
      await make('ann', { may_edit: true }),
      await make('ben'),
      await make('boss', { role: 'admin' }),
      await make('vera', { role: 'viewer' }),
    ]
    const propose = (token: string) =>
      world.post(planPath, { path, request: { domain: 'chatbooks', set } }, { ...bearer(token), 'x-reason': 'why' })
    expect((await propose(ben)).status).toBe(403)
    const { id, digest } = planOf(await propose(ann))
    const shown = async (token: string) =>
      JSON.stringify((await world.call('GET', `${planPath}/${id}`, undefined, bearer(token))).body)
    expect(await shown(boss)).toContain('s3cret')
    expect(await shown(viewer)).not.toContain('s3cret')
    expect((await world.post(`${planPath}/${id}/approve`, { digest }, bearer(boss))).status).toBe(200)
    const role = (grant: object) => world.confirm(`/api/v1/tokens/${idOf(ann)}/role`, grant, bearer(boss))
    expect((await role({ role: 'operator' })).status).toBe(200)
    const apply = () => world.confirm(`${planPath}/${id}/apply`, {}, bearer(boss))
    expect(JSON.stringify((await apply()).body)).toContain('has lost the right')
    expect((await role({ role: 'operator', may_edit: true })).status).toBe(200)
    expect((await apply()).body).toMatchObject({ affected: 3 })
  })

  it('needs a second person each time where above is set for edits', async () => {
    await world.jobs(3, { status: 'queued', payload: {} })
    const [ann, boss] = [await make('ann', { may_edit: true }), await make('boss', { role: 'admin' })]
    const above = (body: object) => world.confirm('/api/v1/jobs/approval', body, bearer(boss))
    expect((await above({ above: 1, kind: 'edit' })).body).toMatchObject({ above: null, above_edit: 1 })
    expect(await edit(ann)).toMatchObject({ status: 403, body: { code: 'approval_required' } })
    expect(
      (await world.confirm(filteredPaths.priority, { domain: 'chatbooks', priority: 1 }, bearer(ann))).status,
    ).toBe(200)
    expect((await above({ above: null, kind: 'edit' })).body).toMatchObject({ above_edit: null })
    expect((await edit(ann)).status).toBe(200)
  })

  it.each([
    ['payload.url', 200],
    ['payload.a.b.c', 200],
    ['priority', 200],
    ['payload.urls', 403],
    ['payload.a', 403],
    ['max_retries', 403],
  ])('may edit %s where JOBS_EDIT_PATHS says so: %i', async (one, status) => {
    const answer = await other.post(path, { all: true, dry_run: true, set: [{ path: one, value: 1 }] })
    expect(answer.status).toBe(status)
    if (status === 403) expect(answer.body).toMatchObject({ detail: expect.stringContaining('JOBS_EDIT_PATHS') })
  })
})
