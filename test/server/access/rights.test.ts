import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { setRole } from '../../../server/auth/set-grant.ts'
import {
  allRights,
  givenRoles,
  type Right,
  type Role,
  rights,
  rightsOf,
  roleNames,
  setRoles,
} from '../../../shared/access/rights.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

interface Declared {
  path: string
  needs: Right
  needsForOwn?: Right
  method?: string
  bulk?: boolean
  anonymous?: true
}

/** Every endpoint and stream, by its name: a new one is in the matrix without a line here. */
const all: Record<string, Declared> = endpoints
const everyEndpoint = Object.entries(all).map(([name, { method = 'GET', ...endpoint }]) => ({
  name,
  method,
  ...endpoint,
}))

/** Whether a caller gets as far as to what a call is about. */
const isAllowed = (may: ReadonlySet<Right>, { needs, needsForOwn }: Declared): boolean =>
  may.has(needs) || (needsForOwn !== undefined && may.has(needsForOwn))

/** What everybody may call that has any right. */
const ofEverybody = ['showCaller', 'openSession', 'showSession', 'endSession', 'endAgentSession']

/** What an agent has the right to, and is refused all the same: it changes nothing, looks at one server, and streams are not cut to what it is given. */
const neverOfAgents = ['statsStream', 'eventStream', 'followOperation', 'fleet']

/** A role that has no right at all, as one that a newer version has written. */
const unknownRole = 'of-tomorrow'

/** What each role may do in the end, whatever its rights are called: `null` means everything. */
const expectations: Record<Role, ((endpoint: (typeof everyEndpoint)[number]) => boolean) | null> = {
  viewer: ({ name, method, path }) =>
    path.includes('/events/cursors/') ||
    ['simulatePolicy', 'openAgentSession', ...ofEverybody].includes(name) ||
    (method === 'GET' &&
      !['listAttachments', 'checkCounts', 'listTokens', 'showToken', 'listCallers', 'listAgents', 'jobByKey'].includes(
        name,
      )),
  auditor: ({ name, method, path }) =>
    (method === 'GET' &&
      /operations|archive\/list|holds|plans|approval|policy$|\/callers|\/tokens|\/agents/.test(path)) ||
    ofEverybody.includes(name),
  producer: ({ name }) => ['enqueue', 'enqueueBatch', 'jobByKey', ...ofEverybody].includes(name),
  worker: ({ name }) =>
    [
      ...['acquire', 'leasedJob', 'renew', 'renewMany', 'complete', 'fail', 'release', 'finishMany', 'cancel'],
      ...['addAttachment', 'cancelRequests', ...ofEverybody],
    ].includes(name),
  agent: (endpoint) =>
    expectations.viewer?.(endpoint) === true || ['proposePlan', 'previewPlan', 'rejectPlan'].includes(endpoint.name),
  operator: ({ needs, name }) =>
    name === 'rejectPlan' || !['work', 'govern', 'read_tokens', 'approve', 'edit'].includes(needs),
  admin: null,
  'legacy-admin': ({ needs }) => needs !== 'edit',
}

describe.each(kinds)('rights on %s', (kind) => {
  let world: World
  const tokens = new Map<string, string>()
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    await setAgents(world.sql, true)
    for (const role of givenRoles) tokens.set(role, await makeToken(world.sql, role, role))
    tokens.set('legacy-admin', await makeToken(world.sql, 'veteran'))
    const foreign = await makeToken(world.sql, 'foreign', 'admin')
    await world.sql`update jobsctl_tokens set role = ${unknownRole} where id = ${idOf(foreign)}`
    tokens.set(unknownRole, foreign)
  })
  afterAll(() => world?.stop())

  /** Sends nothing but the method and the path: whoever has the right is told what is wrong with the rest. */
  const knock = (role: string, { method, path }: { method: string; path: string }) =>
    world.call(
      method === 'GET' ? 'HEAD' : method,
      path.replaceAll(/:\w+/g, '1'),
      undefined,
      bearer(tokens.get(role) ?? ''),
    )

  it.each([...roleNames, unknownRole])('of %s decide at every endpoint, before anything is read', async (role) => {
    const may = rightsOf({ role, may_enqueue: false })
    const known = everyEndpoint.filter(({ anonymous }) => !anonymous)
    const statuses = await Promise.all(known.map(async (endpoint) => (await knock(role, endpoint)).status))
    expect(known.map(({ name }, at) => ({ name, forbidden: statuses[at] === 403 }))).toEqual(
      known.map((endpoint) => ({
        name: endpoint.name,
        forbidden: !isAllowed(may, endpoint) || (role === 'agent' && neverOfAgents.includes(endpoint.name)),
      })),
    )
    for (const status of [401, 500, 503]) expect(statuses).not.toContain(status)
  })

  it.each(roleNames)('of %s are those that the pages promise', (role) => {
    const expected = expectations[role]
    for (const endpoint of everyEndpoint) {
      const allowed = isAllowed(rightsOf({ role, may_enqueue: false }), endpoint)
      expect({ name: endpoint.name, allowed }).toEqual({ name: endpoint.name, allowed: expected?.(endpoint) ?? true })
    }
  })

  it('let a worker enqueue that has been given it, and no other caller beyond its role', async () => {
    const token = await makeToken(world.sql, 'feeder', 'worker', true)
    const job = { domain: 'a', job_type: 't', payload: { secret: 'p' } }
    const answer = await world.post('/api/v1/jobs', job, bearer(token))
    expect(answer).toMatchObject({ status: 201, body: { payload: null, lease_id: null, domain: 'a' } })
    expect((await world.post('/api/v1/jobs', job, bearer(tokens.get('worker') ?? ''))).status).toBe(403)
  })

  it('are named in the refusal, with the roles that have them', async () => {
    for (const right of allRights.filter((right) => right !== 'identity')) {
      const endpoint = everyEndpoint.find(({ needs }) => needs === right)
      const role = setRoles.find((role) => !rightsOf({ role, may_enqueue: false }).has(right))
      if (!endpoint || !role) continue
      const path = endpoint.path.replaceAll(/:\w+/g, '1')
      const { status, body } = await world.call(endpoint.method, path, undefined, bearer(tokens.get(role) ?? ''))
      const hint = expect.stringMatching(/the role .*(admin|operator|viewer|worker|auditor).* set-role [0-9a-f]{12} /)
      expect({ status, body }).toMatchObject({ status: 403, body: { code: 'forbidden', hint } })
      expect(JSON.stringify(body)).toContain(rights[right].slice(0, 20))
    }
  })

  it('are told to the caller', async () => {
    const { body } = await world.call('GET', '/api/v1/caller', undefined, bearer(tokens.get('viewer') ?? ''))
    expect(body).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{12}$/), name: 'viewer', role: 'viewer', principal: 'viewer' },
      ...{ scope: null, limits: null, approval_above: null },
      may: ['identity', 'read', 'records'],
    })
    const admin = await world.call('GET', '/api/v1/caller', undefined, bearer(tokens.get('admin') ?? ''))
    expect(admin.body).toMatchObject({
      ...{ role: 'admin', without_role: 1 },
      may: allRights.filter((right) => right !== 'break_glass'),
    })
  })

  it('of a token change at once, and a suspended token is refused', async () => {
    const token = await makeToken(world.sql, 'changing')
    const id = idOf(token)
    const status = async (path: string) => (await world.call('GET', path, undefined, bearer(token))).status
    const run = async (...argv: string[]) => runServer(['token', ...argv], world.env)
    expect(await status('/api/v1/jobs/stats')).toBe(200)
    expect(await run('set-role', id, 'auditor')).toMatchObject({ code: 0, out: `${id} is auditor\n`, err: '' })
    expect(await status('/api/v1/jobs/stats')).toBe(403)
    expect(await status('/api/v1/jobs/operations')).toBe(200)
    expect(await run('suspend', id)).toMatchObject({ code: 0 })
    expect(await status('/api/v1/jobs/operations')).toBe(401)
    expect(await run('resume', id)).toMatchObject({ code: 0 })
    // A refused secret is remembered for ten seconds only where it is wrong.
    expect(await status('/api/v1/jobs/operations')).toBe(200)
    expect((await run('show', id)).out).toMatch(/role\tauditor\n[\s\S]*may\tread the records of changes/)
    expect(await run('set-role', id, 'boss')).toMatchObject({ code: 2 })
    expect(await run('set-role', 'ffffffffffff', 'viewer')).toMatchObject({ code: 5 })
  })

  it.each(['/api/v1/jobs/events/stream', '/api/v1/jobs/stats/stream'])(
    'that a token loses end its stream: %s',
    async (path) => {
      const token = await makeToken(world.sql, 'watching', 'viewer')
      const response = await fetch(`${world.url}${path}`, { headers: { authorization: `Bearer ${token}` } })
      expect(response.status).toBe(200)
      await setRole(world.sql, idOf(token), { role: 'producer', may_enqueue: false })
      await world.jobs(1, { domain: 'unseen', queue: path })
      await world.sql`insert into job_events (queue, event_type) values (${path}, 'job.created')`
      let text = ''
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString()
      expect(text).not.toContain(`"queue":"${path}"`)
    },
  )
})
