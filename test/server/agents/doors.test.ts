import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { setAgents } from '../../../server/auth/agents/switch.ts'
import { thaw, writeFreeze } from '../../../server/database/installation/freeze.ts'
import { type AgentClient, agentsOn, overHttp, overStdio } from '../../support/access/agent-client.ts'
import { bearer, makeScoped, makeToken } from '../../support/access/tokens.ts'
import { pruning, sweeping } from '../../support/changes/policy.ts'
import { kinds } from '../../support/database/database.ts'
import { hostileRows, marked } from '../../support/hostile/hostile-rows.ts'
import { built } from '../../support/programs/built.ts'
import { startChild } from '../../support/programs/child.ts'
import { openWorld, type World } from '../../support/world.ts'

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
}
const Text = z.object({ untrusted_text: z.string() })
const Warnings = z.object({ warnings: z.array(z.object({ check: z.string(), detail: Text, hint: Text })) })
const Checked = z.array(z.object({ check: z.string(), result: z.string(), detail: z.string(), hint: z.string() }))
const accept = { accept: 'application/json, text/event-stream' }

describe.each(kinds)('the doors of agents on %s', (kind) => {
  let world: World
  let mender: string
  let operator: string
  let doors: AgentClient[]
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    await world.sql.unsafe(hostileRows)
    mender = await makeToken(world.sql, 'mender', 'agent')
    operator = await makeToken(world.sql, 'ann', 'operator')
  })
  afterAll(async () => {
    await Promise.all((doors ?? []).map(({ close }) => close()))
    await world?.stop()
  })

  const knock = (headers: Record<string, string>, body: unknown = initialize, method = 'POST') =>
    world.call(method, '/mcp', method === 'POST' ? body : undefined, { 'x-api-key': '', ...accept, ...headers })
  const jobsctlMcp = (env: Record<string, string>, argv: string[] = [], stdin = '') =>
    startChild([built.jobsctl, 'mcp', ...argv], { env: { JOBSCTL_URL: world.url, ...env }, stdin }).ended

  it('are shut until an admin opens them', async () => {
    expect(await knock({ authorization: `Bearer ${mender}` })).toMatchObject({
      status: 404,
      body: { hint: expect.stringContaining('jobs-server agents on') },
    })
    expect((await knock({}, undefined, 'GET')).status).toBe(404)
    const { code, out, err } = await jobsctlMcp({ JOBSCTL_TOKEN: operator })
    expect({ code, out, err }).toEqual({ code: 4, out: '', err: expect.stringContaining('jobs-server agents on') })
    await agentsOn(world)
  })

  it('take messages of agents alone, and no page of another site', async () => {
    expect((await knock({ authorization: `Bearer ${mender}` })).status).toBe(200)
    for (const method of ['GET', 'DELETE', 'PUT'])
      expect(await knock({ authorization: `Bearer ${mender}` }, undefined, method)).toMatchObject({
        status: 405,
        headers: { allow: 'POST' },
      })
    expect((await knock({})).status).toBe(401)
    expect(await knock({ authorization: `Bearer ${operator}` })).toMatchObject({
      status: 403,
      body: { hint: expect.stringContaining('open the session of an agent') },
    })
    const own = { authorization: `Bearer ${mender}` }
    expect((await knock({ ...own, origin: 'https://evil.example' })).status).toBe(403)
    expect((await knock({ ...own, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await knock({ ...own, host: 'evil.example' })).status).toBe(421)
    expect((await knock({ ...own, origin: world.url, host: new URL(world.url).host })).status).toBe(200)
    const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
    expect((await knock({ ...own, 'mcp-protocol-version': '1999-01-01' }, list)).status).toBe(400)
    expect((await knock({ ...own, 'mcp-protocol-version': '2025-06-18' }, list)).status).toBe(200)
    expect((await knock(own, [initialize, initialize])).status).toBe(422)
    expect((await knock(own, { hello: 1 })).status).toBe(422)
    const future = { ...initialize, params: { ...initialize.params, protocolVersion: '2099-01-01' } }
    expect(await knock(own, future)).toMatchObject({
      status: 200,
      body: { result: { protocolVersion: expect.stringMatching(/^2025-/) } },
    })
  })

  it('do not lead to a browser: neither its session nor its database opens one', async () => {
    const login = await world.confirm(
      '/api/v1/session',
      { key: operator },
      { 'x-api-key': '', 'sec-fetch-site': 'same-origin' },
    )
    const cookie = String(login.headers['set-cookie'] ?? '').split(';')[0] ?? ''
    expect(cookie).not.toBe('')
    expect((await knock({ cookie, 'sec-fetch-site': 'same-origin' })).status).toBe(403)
    expect(await jobsctlMcp({ JOBSCTL_URL: '' }, ['--db', 'postgres://127.0.0.1:1/none'])).toMatchObject({
      code: 2,
      out: '',
    })
  })

  it('write nothing but the protocol to stdout, whatever comes in, and end with stdin', async () => {
    const lines = [
      'garbage',
      '{"jsonrpc":"1.0"}',
      '',
      '\u0000\u00ff',
      JSON.stringify(initialize),
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      '{"jsonrpc":"2.0","id":2,"result":{}}',
      '{"jsonrpc":"2.0","id":"three","method":"no/such"}',
      '{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"nothing"}}',
    ]
    const child = startChild([built.jobsctl, 'mcp', '--debug'], {
      env: { JOBSCTL_URL: world.url, JOBSCTL_TOKEN: operator },
      open: true,
    })
    child.process.stdin?.write(`${lines.join('\n')}\n`)
    const answered = () => child.output.out.trim().split('\n').length >= 6
    for (let tries = 0; !answered() && tries < 200; tries++) await new Promise((resolve) => setTimeout(resolve, 50))
    child.process.stdin?.end()
    const { code, out, err } = await child.ended
    const messages = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(code).toBe(0)
    expect(messages.filter(({ id }) => id === null).length).toBe(3)
    expect(messages.find(({ id }) => id === 1)).toMatchObject({ result: { serverInfo: { name: 'jobs-server' } } })
    expect(messages.find(({ id }) => id === 'three')).toMatchObject({ error: { code: -32601 } })
    expect(messages.find(({ id }) => id === 4)).toMatchObject({ error: { code: -32602 } })
    expect(err).not.toMatch(/ja_[\w-]{20}/)
    // The session ends with its parent.
    const [{ count }] = await world.sql<[{ count: number }]>`select count(*)::int as count from jobsctl_agent_sessions`
    expect(count).toBe(0)
  })

  it('name the argument that was sent in the error of an id', async () => {
    doors = [await overHttp(world, mender), await overStdio(world, operator)]
    for (const door of doors)
      for (const tool of ['show_job', 'explain_job'])
        for (const id of ['1 or', '1.5', '-1', ' ', 'a\u0007/b'])
          expect(await door.refused(tool, { id }), JSON.stringify(id)).toMatchObject({
            code: 'invalid_request',
            detail: expect.stringMatching(/^id must be /),
            errors: [{ path: 'id' }],
          })
  })

  it('open a plan for a person, and nothing else', async () => {
    const [door] = doors
    const jobs = await world.fingerprint()
    const preview = await door?.use('preview_change', { kind: 'requeue', filter: { domain: 'mail' } })
    expect(preview).toMatchObject({
      kind: 'requeue',
      preview: { count: 1 },
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const other = { kind: 'requeue', filter: { domain: 'mail' }, reason: 'why', digest: 'f'.repeat(64) }
    expect(await door?.refused('propose_change', other)).toMatchObject({ code: 'preview_stale' })
    const canary = { domain: 'mail', limit: 1 }
    const { digest } = Object(await door?.use('preview_change', { kind: 'requeue', filter: canary }))
    const proposed = await door?.use('propose_change', {
      kind: 'requeue',
      filter: canary,
      digest,
      reason: 'the mail server is back: 0 failures since 03:10',
    })
    expect(proposed).toMatchObject({
      plan: { state: 'waiting', kind: 'requeue', count: 1 },
      page: expect.stringMatching(/\/ui\/plans\/\d+$/),
    })
    const { id } = Object(Object(proposed).plan)
    expect(await door?.use('plan_status', { id: String(id) })).toMatchObject({
      plan: { id, state: 'waiting', still_matching: 1 },
    })
    expect((await world.call('GET', `/api/v1/jobs/plans/${id}`)).status).toBe(401)
    expect(await world.fingerprint()).toBe(jobs)
    const { body } = await world.call('GET', `/api/v1/jobs/plans/${id}`, undefined, bearer(operator))
    expect(body).toMatchObject({
      reason: 'the mail server is back: 0 failures since 03:10',
      request: { domain: 'mail' },
    })
  })

  it('show first what doctor warns of', async () => {
    const overview = await doors[0]?.use('overview')
    expect(overview).toMatchObject({
      missing_indexes: expect.any(Array),
      idle_indexes: expect.any(Array),
      database: {
        archive_before_delete: true,
        copied: false,
        counts: { kept: true, mended_at: null, mended: null },
        rights: { denied: [], lacks: expect.any(Array) },
        tables: expect.arrayContaining([expect.objectContaining({ table: 'jobs', bytes: expect.any(Number) })]),
      },
      policy: { revision: 0, rules: [] },
    })
  })

  it('have the warnings of doctor in its sentences, which name nobody', async () => {
    const admin = bearer(await makeToken(world.sql, `${marked} admin`, 'admin'))
    const rules = { rules: [pruning(), sweeping()], revision: 0 }
    expect(await world.confirm('/api/v1/jobs/policy', rules, { ...admin, 'x-reason': marked })).toMatchObject({
      status: 200,
    })
    await world.sql`update jobsctl_policy_rules set state = 'failed', problem = ${marked}, due_at = now(), began_at = now() where name = 'stuck'`
    const warnings = async () => {
      const overview = await doors[0]?.use('overview')
      expect(JSON.stringify(overview)).not.toContain(marked)
      return Warnings.parse(overview).warnings.map(({ check, detail, hint }) => [
        check,
        detail.untrusted_text,
        hint.untrusted_text,
      ])
    }
    const policy = [
      'policy',
      expect.stringMatching(/^2 rules, applied by caller-\S+; .*; rule withheld is failed: withheld$/),
    ]
    expect(await warnings()).toEqual(expect.arrayContaining([[...policy, 'jobsctl policy show']]))
    await world.sql.begin((tx) => writeFreeze(tx, { by: `${marked} ann`, reason: marked }))
    try {
      expect(await warnings()).toEqual(
        expect.arrayContaining([
          [
            'state',
            expect.stringMatching(
              /^frozen: caller-\S+ froze the database at \d{4}-\S+Z \("withheld"\): changes are refused/,
            ),
            expect.stringContaining('jobs-server thaw'),
          ],
          ['policy', '2 rules, and none runs: withheld', 'jobsctl policy show'],
        ]),
      )
    } finally {
      await world.sql.begin((tx) => thaw(tx, 'test'))
    }
    const setName = (name: string) => world.sql`
      update jobsctl_settings set value = (value::jsonb || jsonb_build_object('database', ${name}::text))::text where name = 'installation'`
    const [{ name }] = await world.sql<[{ name: string }]>`select current_database() as name`
    await setName(marked)
    const copied = await warnings()
    expect(copied).toContainEqual([
      'state',
      'cloned: the database was copied, moved or restored: nothing is done in the background',
      expect.stringContaining('jobs-server adopt-database'),
    ])
    await setName(name)
    await world.sql`create index once_more on jobs (id)`
    const { out } = await world.jobsctl(['doctor', '--json'], { env: { JOBSCTL_API_KEY: '', JOBSCTL_TOKEN: operator } })
    const ofPerson = Checked.parse(JSON.parse(out)).find(({ check }) => check === 'indexes')
    expect(ofPerson).toMatchObject({ result: 'warning', detail: expect.stringContaining('once_more') })
    expect(await warnings()).toContainEqual(['indexes', ofPerson?.detail, ofPerson?.hint])
    await world.sql`drop index once_more`
    const scoped = await overHttp(world, await makeScoped(world.sql, 'agent', { domains: ['mail'] }))
    expect(Object.keys(await scoped.use('overview'))).not.toContain('warnings')
    await scoped.close()
  })

  it('have the pages of docs/operate, the record of an operation, and three prompts', async () => {
    const { client } = doors[0] ?? { client: undefined }
    const listed = await client?.listResources()
    expect(listed?.resources.map(({ uri }) => uri)).toEqual(
      expect.arrayContaining(['docs://operate/plans', 'docs://operate/undo']),
    )
    const page = await client?.readResource({ uri: 'docs://operate/undo' })
    expect(JSON.stringify(page)).toContain('# ')
    const done = await world.confirm(
      '/api/v1/jobs/batch/priority',
      { domain: 'mail', priority: 4 },
      { ...bearer(operator), 'x-reason': marked },
    )
    const record = JSON.stringify(
      await client?.readResource({ uri: `jobs://operations/${Object(done.body).operation_id}` }),
    )
    expect(record).toContain('priority')
    expect(record).not.toContain(marked)
    expect((await client?.listPrompts())?.prompts).toHaveLength(3)
  })

  it('are shut again within two seconds, for those who are in', async () => {
    await setAgents(world.sql, false)
    for (const { client } of doors)
      await expect(client.callTool({ name: 'overview', arguments: {} })).rejects.toThrow(/agents are off|404/)
    expect((await world.call('GET', '/api/v1/jobs/overview', undefined, bearer(mender))).status).toBe(403)
  })
})

it('are not there on a server with one key that listens beyond this machine', async () => {
  const world = await openWorld('postgres', { HOST: '0.0.0.0', SINGLE_USER_API_KEY: 'k'.repeat(40) })
  await agentsOn(world)
  const answer = await world.call('POST', '/mcp', initialize, { 'x-api-key': 'k'.repeat(40), ...accept })
  expect(answer).toMatchObject({ status: 404, body: { hint: expect.stringContaining('multi_user') } })
  await world.stop()
})
