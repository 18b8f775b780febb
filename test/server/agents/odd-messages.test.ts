import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentsOn } from '../../support/access/agent-client.ts'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { openWorld, type World } from '../../support/world.ts'

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

describe('an odd message of an agent', () => {
  let world: World
  let as: Record<string, string>
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    as = bearer(await makeToken(world.sql, 'mender', 'agent'))
    await agentsOn(world)
    await world.jobs(3, { domain: 'a', queue: 'q' })
  })
  afterAll(() => world?.stop())

  const send = (text: string) =>
    world.call('POST', '/mcp', text, { ...as, accept: 'application/json, text/event-stream' })
  const use = (name: string, args: string) =>
    send(`{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "${name}", "arguments": ${args}}}`)

  it.each(['ids', 'domain', 'status'])(
    'with an empty list as %s is refused, and does not mean every job',
    async (name) => {
      const { status, body } = await use('list_jobs', `{"${name}": []}`)
      expect(status).toBe(200)
      expect(body).toMatchObject({ result: { isError: true } })
      expect(JSON.stringify(body)).toContain(`${name} must not be an empty list`)
    },
  )

  it('with a field twice is refused', async () => {
    expect(await use('preview_change', '{"kind": "cancel", "filter": {"domain": "x", "domain": "a"}}')).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', detail: expect.stringContaining('domain is given more than once') },
    })
  })

  it('of thousands of levels is refused', async () => {
    for (const levels of [600, 8000, 100_000])
      expect(await use('list_jobs', `{"ids": ${deep(levels)}}`)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', detail: expect.stringContaining('levels') },
      })
  })

  it('of thousands of levels is refused by an endpoint, too', async () => {
    const ids = deep(8000)
    for (const [path, body] of [
      ['jobs/plans/preview', `{"path": "/api/v1/jobs/batch/cancel", "request": {"domain": "a", "ids": ${ids}}}`],
      ['jobs/policy/simulate', `{"rules": ${ids}, "days": 1}`],
    ])
      expect(await world.call('POST', `/api/v1/${path}`, body, as)).toMatchObject({
        status: 422,
        body: { detail: 'the body has more than 500 levels' },
      })
    expect(world.log.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })
})
