import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { type Role, rightsOf } from '../../../shared/access/rights.ts'
import { scopedRoles } from '../../../shared/access/token-scope.ts'
import type { Scoped } from '../../../shared/endpoint.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { doors, type NarrowedName, type Place } from '../../support/access/doors.ts'
import { firstMessage } from '../../support/access/first-message.ts'
import { bearer, idOf, makeScoped, makeToken } from '../../support/access/tokens.ts'
import { planOf, planPath } from '../../support/changes/plans.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

interface Declared {
  path: string
  needs: Parameters<ReturnType<typeof rightsOf>['has']>[0]
  scoped: Scoped
  method?: string
}
const all: Record<string, Declared> = endpoints
const everyEndpoint = Object.entries(all).map(([name, { method = 'GET', ...rest }]) => ({ name, method, ...rest }))
const isNarrowed = (name: string): name is NarrowedName => Object.hasOwn(doors, name)

const textOf = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body))

const nowhere: Place = {
  ...{ domain: 'nowhere', id: 987_654_321, uuid: crypto.randomUUID(), operation: 987_654_322, plan: 987_654_323 },
}

describe('a token with a scope', () => {
  let world: World
  const tokens = new Map<Role, string>()
  let boss: Record<string, string>
  let foreignBoss: Record<string, string>
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    for (const role of scopedRoles) tokens.set(role, await makeScoped(world.sql, role, { domains: ['zebra', 'spare'] }))
    await setAgents(world.sql, true)
    boss = bearer(await makeToken(world.sql, 'boss', 'admin'))
    foreignBoss = bearer(await makeToken(world.sql, 'foreign boss', 'admin'))
    await world.sql`alter table jobsctl_plans alter column id restart with 700000301`
  })
  afterAll(() => world?.stop())

  let own: Place
  let other: Place
  beforeEach(async () => {
    await world.clear()
    own = await jobIn('zebra', 700_000_001)
    other = await jobIn('quagga', 700_000_002)
  })

  /** In a domain: jobs of each state, one of which waits for another, an attachment, events, a stopped queue and a record. */
  async function jobIn(domain: string, id: number): Promise<Place> {
    const uuid = crypto.randomUUID()
    const waiting = crypto.randomUUID()
    const running = { domain, queue: 'q', job_type: 't', lease_id: 'lease', worker_id: 'w' }
    const leased_until = '2100-01-01T00:00:00Z'
    await world.jobs(1, { id, ...running, uuid, status: 'processing', leased_until, idempotency_key: 'key' })
    await world.jobs(1, { domain, queue: 'free', job_type: 't', status: 'queued', uuid: waiting })
    await world.jobs(1, { domain, status: 'processing', leased_until: '2020-01-01T00:00:00Z' })
    for (const status of ['completed', 'failed', 'quarantined']) await world.jobs(1, { domain, status, days: 60 })
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${waiting}, ${uuid})`
    await world.sql`insert into job_attachments (job_id, kind, content_text) values (${id}, 'log', ${domain})`
    await world.sql`
      insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json)
      values (${id}, ${domain}, 'q', 't', 'job.created', '{}'), (null, null, null, null, 'jobs.pruned', '{"affected": 4711}')`
    await world.sql`
      insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json)
      select ${id}::bigint, ${domain}, 'q', 't', 'job.created', jsonb_build_object('caller', caller)
      from unnest(${[...tokens.values()].map(idOf)}::text[]) as caller`
    await world.sql`
      insert into job_queue_controls (domain, queue, paused, drain, updated_at) values (${domain}, 'stopped', true, false, now())`
    await world.sql`
      insert into job_sla_policies (domain, queue, job_type, max_queue_latency_seconds, max_duration_seconds, enabled)
      values (${domain}, 'q', 't', 5, 5, true)
      on conflict do nothing`
    const operation = id + 100
    await world.sql`
      insert into job_operations (id, kind, domain, filters, as_of, seen, caller, request_hash, state, affected, ended_at)
      values (${operation}, 'priority', ${domain}, '{}', now(), '1:1:', 'somebody', '', 'done', 1, now())`
    await world.sql`insert into job_operation_rows values (${operation}, ${id}, '{}', '{}')`
    await world.sql`
      insert into jobs_archive (id, domain, queue, job_type, status, archived_at)
      values (${id}, ${domain}, 'q', 't', 'completed', now())`
    return { domain, id, uuid, operation }
  }

  /** The place with a plan to prune its jobs, which is approved: of an operator with the scope, or of somebody without one. */
  async function withPlan(place: Place, author: Record<string, string>): Promise<Place> {
    const request = { domain: place.domain, older_than_days: 30 }
    const asked = { path: paths.prune, request }
    const { id, digest } = planOf(await world.post(planPath, asked, { ...author, 'x-reason': 'because' }))
    const approved = await world.post(`${planPath}/${id}/approve`, { digest }, boss)
    expect(approved.status).toBe(200)
    return { ...place, plan: id }
  }

  const call = async (role: Role, name: NarrowedName, place: Place) => {
    const { method, path, body, headers } = doors[name]
    const as = { ...bearer(tokens.get(role) ?? ''), ...headers }
    if (name.endsWith('Stream')) return firstMessage(world.url, path(place), as)
    return world.call(method, path(place), body?.(place), as)
  }
  /** An answer in which the names of its place are those of no place. */
  const anonymous = (
    { status, body }: { status: number; body: unknown },
    { domain = '', id, uuid, operation, plan = 987_654_324 }: Place,
  ) => ({
    status,
    text: textOf(body)
      .replaceAll(domain, 'DOMAIN')
      .replaceAll(uuid, 'UUID')
      .replaceAll(String(id), 'ID')
      .replaceAll(String(operation), 'OPERATION')
      .replaceAll(String(plan), 'PLAN')
      .replaceAll(/"(request_id|instance|as_of)":"[^"]*"/g, ''),
  })
  const theirs = async () => [
    await world.sql`select * from jobs where domain = 'quagga' order by id`,
    await world.sql`select job_id, kind from job_attachments order by id`,
    await world.sql`select domain, queue, paused from job_queue_controls order by domain, queue`,
    await world.sql`select * from job_operations where domain = 'quagga'`,
    await world.sql`select * from jobsctl_operation_terms where operation_id = ${other.operation}`,
  ]

  it.each(scopedRoles)('of %s is refused where the declaration says so, wherever the call points', async (role) => {
    const may = rightsOf({ role, may_enqueue: role === 'worker' })
    for (const { name, method, path, needs, scoped } of everyEndpoint) {
      if (typeof scoped === 'string') continue
      for (const { id, domain } of [own, other, nowhere]) {
        const query = method === 'GET' ? `?domain=${domain}` : ''
        const where = `${path.replaceAll(/:\w+/g, String(id))}${query}`
        const { status, body } = await world.call(method, where, undefined, bearer(tokens.get(role) ?? ''))
        expect({ name, status, body }).toMatchObject({ name, status: 403, body: { code: 'forbidden' } })
        if (may.has(needs)) expect(JSON.stringify(body)).toContain(scoped.refused)
        expect(JSON.stringify(body)).not.toContain('quagga')
      }
    }
  })

  const narrowed = everyEndpoint.flatMap(({ name, needs }) => (isNarrowed(name) ? [{ name, needs }] : []))
  const cases = scopedRoles.flatMap((role) =>
    narrowed
      .filter(({ needs }) => rightsOf({ role, may_enqueue: role === 'worker' }).has(needs))
      // What goes on and on is not cut to what an agent is given, so an agent is refused there.
      .filter(({ name }) => role !== 'agent' || !/Stream$|^follow/.test(name))
      .map(({ name }) => [role, name] as const),
  )

  it('has a door for each endpoint that is narrowed', () => {
    const declared = everyEndpoint.filter(({ scoped }) => scoped === 'narrowed').map(({ name }) => name)
    expect(Object.keys(doors).sort()).toEqual(declared.sort())
  })

  it.each(cases)('of %s is answered by %s on another domain as on one that does not exist', async (role, name) => {
    if (/plan/i.test(name)) {
      await world.sql`delete from jobsctl_plans`
      own = await withPlan(own, bearer(tokens.get('operator') ?? ''))
      other = await withPlan(other, foreignBoss)
    }
    const before = await theirs()
    const foreign = await call(role, name, other)
    const unknown = await call(role, name, nowhere)
    expect(foreign.status).toBe(doors[name].outside)
    expect(anonymous(foreign, other)).toEqual(anonymous(unknown, nowhere))
    expect(await theirs()).toEqual(before)
    if (foreign.status === 403) expect(JSON.stringify(foreign.body)).toContain('limited to domains zebra, spare')
    // What our own jobs do not have is refused wherever the call points.
    if (doors[name].outside === 422) return
    const mine = await call(role, name, own)
    expect([200, 201]).toContain(mine.status)
    if (doors[name].named) return
    const open = await call(role, name, { ...own, domain: undefined })
    expect(open.status).toBe(200)
    if (!doors[name].nameless) expect(textOf(open.body)).toContain('"zebra"')
    for (const { body } of [mine, open])
      expect(textOf(body)).not.toMatch(/quagga|(?<![0-9a-f])4711(?![0-9a-f])|nowhere/)
  })
})
