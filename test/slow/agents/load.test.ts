import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { agentsOn, overHttp, overStdio } from '../../support/access/agent-client.ts'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { hostileRows } from '../../support/hostile/hostile-rows.ts'
import { until } from '../../support/poll.ts'
import { built } from '../../support/programs/built.ts'
import { startChild } from '../../support/programs/child.ts'
import { openWorld, type World } from '../../support/world.ts'

const calls = 200
const call = (id: number, name = 'list_jobs') => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {} },
})
const initialize = {
  ...{ jsonrpc: '2.0', id: 0, method: 'initialize' },
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
}

let world: World
let operator: string
let mender: string
beforeAll(async () => {
  world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
  await agentsOn(world)
  await world.sql.unsafe(hostileRows)
  operator = await makeToken(world.sql, 'ann', 'operator')
  mender = await makeToken(world.sql, 'mender', 'agent')
})
afterAll(() => world?.stop())

/** A person's call while agents are busy, in ms. */
const timeOfPerson = async () => {
  const start = performance.now()
  expect((await world.call('GET', '/api/v1/jobs/stats', undefined, bearer(operator))).status).toBe(200)
  return performance.now() - start
}

/** How many calls of a tool the server has answered and kept. */
const callsKept = async (tool: string) =>
  (await world.sql<[{ n: number }]>`select count(*)::int as n from jobsctl_agent_calls where tool = ${tool}`)[0].n

it('200 calls at once are all answered over both doors, and people are served meanwhile', async () => {
  for (const door of [
    await overHttp(world, mender),
    await overStdio(world, await makeToken(world.sql, 'bob', 'operator')),
  ]) {
    const answers = Promise.all(Array.from({ length: calls }, () => door.use('operations')))
    expect(await timeOfPerson()).toBeLessThan(10_000)
    expect(new Set((await answers).map(({ operations }) => JSON.stringify(operations))).size).toBe(1)
    await door.close()
  }
})

it('a program that reads nothing, and is killed, leaves no session and no running call behind', async () => {
  const before = JSON.stringify(await world.rows())
  const child = startChild([built.jobsctl, 'mcp'], {
    env: { JOBSCTL_URL: world.url, JOBSCTL_TOKEN: operator },
    open: true,
  })
  child.process.stdout?.pause()
  const lines = [initialize, ...Array.from({ length: calls }, (_, at) => call(at + 1, 'history'))]
  child.process.stdin?.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  await until('the server answers the program', async () => (await callsKept('history')) > 0)
  expect(await timeOfPerson()).toBeLessThan(10_000)
  child.process.kill('SIGKILL')
  await once(child.process, 'close')
  // A killed process could say nothing: its session ends after 12 hours, or with the fifth one after it. One that is asked to end does end it.
  const asked = startChild([built.jobsctl, 'mcp'], {
    env: { JOBSCTL_URL: world.url, JOBSCTL_TOKEN: operator },
    open: true,
  })
  asked.process.stdin?.write(`${JSON.stringify(initialize)}\n`)
  await until('the session is opened', () => asked.output.out !== '')
  const sessions = async () =>
    (await world.sql<[{ n: number }]>`select count(*)::int as n from jobsctl_agent_sessions`)[0].n
  const open = await sessions()
  asked.process.kill('SIGTERM')
  expect((await asked.ended).code).toBe(143)
  expect(await sessions()).toBe(open - 1)
  expect(JSON.stringify(await world.rows())).toBe(before)
})

it('each of many rows is in one page, and no page has more than 32 KB', async () => {
  await world.jobs(350, {
    domain: 'wide',
    queue: 'q'.repeat(120),
    error_code: 'e'.repeat(120),
    batch_group: 'batch of many words',
  })
  const door = await overHttp(world, await makeToken(world.sql, 'reader', 'agent'))
  const seen: unknown[] = []
  let cursor: unknown
  do {
    const page = await door.use('list_jobs', { domain: 'wide', limit: 100, ...(cursor !== undefined && { cursor }) })
    expect(page.left_out).toBeUndefined()
    seen.push(...(Array.isArray(page.jobs) ? page.jobs : []).map((job) => Object(job).id))
    cursor = page.next_cursor
  } while (cursor !== undefined)
  expect({ seen: seen.length, different: new Set(seen).size }).toEqual({ seen: 350, different: 350 })
  await door.close()
})

it('a client that hangs in the middle of a message costs nobody else anything', async () => {
  const headers = {
    authorization: `Bearer ${mender}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': '1000',
  }
  const hanging = Array.from({ length: 50 }, () =>
    request(`${world.url}/mcp`, { method: 'POST', headers }).on('error', () => {}),
  )
  await Promise.all(hanging.map((one) => new Promise((sent) => one.write('{"jsonrpc":', sent))))
  expect(await timeOfPerson()).toBeLessThan(5000)
  for (const one of hanging) one.destroy()
  const door = await overHttp(world, await makeToken(world.sql, 'other', 'agent'))
  expect(await door.use('overview')).toMatchObject({ totals: { queues: 3 } })
  await door.close()
})

it('garbage is refused with a sentence, and never a 5xx', async () => {
  const send = (body: string, more: Record<string, string> = {}) =>
    fetch(`${world.url}/mcp`, {
      method: 'POST',
      body,
      headers: {
        authorization: `Bearer ${garbler}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...more,
      },
    })
  const garbler = await makeToken(world.sql, 'garbler', 'agent')
  const deep = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_jobs","arguments":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`
  for (const body of [
    '',
    '\u0000',
    'null',
    '[]',
    '{}',
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":{},"method":1}',
    '"x"',
    '[1',
    deep,
    JSON.stringify({ ...call(1), params: null }),
    JSON.stringify({ ...call(1), params: { name: '__proto__', arguments: { constructor: 1 } } }),
    JSON.stringify({ ...call(1), params: { name: 'list_jobs', arguments: { limit: 'x'.repeat(100_000) } } }),
    JSON.stringify({ ...call(1), params: { name: 'show_job', arguments: { id: '../../tokens' } } }),
    JSON.stringify({ ...call(1), params: { name: 'show_job', arguments: { id: ['1', '2'] } } }),
    JSON.stringify({ ...call(1), params: { name: 'list_jobs', arguments: { domain: { a: 1 }, __proto__: 1 } } }),
    JSON.stringify({
      ...call(1),
      params: { name: 'preview_change', arguments: { kind: 'constructor', filter: { __proto__: null } } },
    }),
  ]) {
    const response = await send(body)
    const text = await response.text()
    expect({ body: body.slice(0, 80), status: response.status < 500 }).toEqual({
      body: body.slice(0, 80),
      status: true,
    })
    expect(text).not.toMatch(/node_modules|TypeError|at .*\.ts:\d/)
  }
  expect((await send(JSON.stringify(initialize), { 'content-type': 'text/plain' })).status).toBe(415)
  expect((await send(JSON.stringify(initialize), { accept: 'text/html' })).status).toBe(406)
  expect((await send('x'.repeat(3_000_000))).status).toBe(413)
})
