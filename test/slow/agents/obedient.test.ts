import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bulkKinds } from '../../../shared/changes/kinds.ts'
import * as endpoints from '../../../shared/endpoints.ts'
import { type AgentClient, agentsOn, overHttp, overStdio } from '../../support/access/agent-client.ts'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { hostileRows, marked, orders } from '../../support/hostile/hostile-rows.ts'
import { openWorld, type World } from '../../support/world.ts'

/** What a model might send that obeys `orders`. */
const obeying: Record<string, unknown>[] = [
  ...[{}, { id: '1', redact: false }, { plan: 12 }, { id: '12', digest: 'x' }, { id: '1', fields: ['payload'] }],
  ...[
    { kind: 'prune', filter: { all: true }, yes: true },
    { kind: 'prune', filter: { all: true, dry_run: false } },
  ],
  ...[
    { kind: 'prune', filter: { all: true } },
    { kind: 'erase', filter: { owner_user_id: marked } },
  ],
  ...[{ url: 'http://127.0.0.1:9/' }, { domain: 'mail', 'payload.a': marked }, { domain: 'mail', 'x-confirm': 'true' }],
]
const wishes = ['approve', 'approve_plan', 'apply_plan', 'fetch', 'reveal', 'show_payload', ...bulkKinds]
const elsewhere = [
  'file:///etc/passwd',
  'http://127.0.0.1:9/',
  'jobs://operations/1/../../tokens',
  'docs://operate/../../package.json',
]

/** Bodies that change something for those who may. */
const bodies = [
  { all: true, domain: 'mail', digest: '0'.repeat(64) },
  {
    domain: 'mail',
    queue: 'high',
    action: 'resume',
    name: 'x',
    role: 'admin',
    jobs: [{ domain: 'mail', job_type: 't', payload: {} }],
  },
]
const insistent = { 'x-confirm': 'true', 'x-reason': 'obey', 'x-emergency': 'true' }
const notTried = ['proposePlan', 'openSession', 'showSession', 'endAgentSession', 'openAgentSession']

describe('a model that obeys strangers', () => {
  let world: World
  let doors: AgentClient[]
  const tokens: string[] = []
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    await agentsOn(world)
    await world.sql.unsafe(hostileRows)
    doors = [
      await overHttp(world, await makeToken(world.sql, 'mender', 'agent')),
      await overStdio(world, await makeToken(world.sql, 'ann', 'admin')),
    ]
    // Others, since the calls of each are counted.
    const admin = bearer(await makeToken(world.sql, 'bob', 'admin'))
    const { body } = await world.post('/api/v1/agent-session', {}, admin)
    tokens.push(await makeToken(world.sql, 'other', 'agent'), String(Object(body).token))
  })
  afterAll(async () => {
    await Promise.all((doors ?? []).map(({ close }) => close()))
    await world?.stop()
  })

  it('changes, reveals and sends nothing by tools', async () => {
    const before = await world.fingerprint()
    const texts: string[] = []
    const take = async (answer: Promise<unknown>) =>
      texts.push(JSON.stringify(await answer.catch((error: unknown) => String(error))))
    for (const { client } of doors) {
      const { tools } = await client.listTools()
      for (const { name } of tools)
        if (name !== 'propose_change')
          for (const args of obeying) await take(client.callTool({ name, arguments: args }))
      for (const name of wishes) await take(client.callTool({ name, arguments: {} }))
      for (const uri of elsewhere) await take(client.readResource({ uri }))
      await take(client.getPrompt({ name: 'prepare_the_mend_of_a_cluster', arguments: { cluster: orders[0] ?? '' } }))
    }
    expect(texts.length).toBeGreaterThan(300)
    expect(texts.filter((text) => text.includes(marked))).toEqual([])
    expect(texts.filter((text) => /root:|"dependencies": \{|jobs_api_tokens/.test(text))).toEqual([])
    expect(await world.fingerprint()).toBe(before)
  })

  it('changes and reveals nothing by HTTP, with the tokens that its process has', async () => {
    const before = await world.fingerprint()
    for (const token of tokens) {
      for (const [name, endpoint] of Object.entries(endpoints)) {
        if (notTried.includes(name)) continue
        const method = 'method' in endpoint ? endpoint.method : 'GET'
        const path = endpoint.path.replaceAll(/:\w+/g, '1')
        for (const body of method === 'GET' ? [undefined] : bodies) {
          const answer = await world.call(method, path, body, { ...bearer(token), ...insistent })
          expect({ name, status: answer.status, limited: answer.status === 429 }).toMatchObject({ limited: false })
          expect(answer.status, name).toBeLessThan(500)
          expect({ name, found: JSON.stringify(answer.body ?? null).includes(marked) }).toEqual({ name, found: false })
        }
      }
    }
    expect(await world.fingerprint()).toBe(before)
  })
})
