import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newDatabase } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import type { Child } from '../../support/programs/child.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { type DirectDatabase, enqueue, openDirectDatabase, processes, serverOf } from '../../support/programs/direct.ts'
import { runJobsctl, startJobsctl } from '../../support/programs/jobsctl.ts'

describe('jobsctl ui', () => {
  let direct: DirectDatabase
  let child: Child
  let link: URL
  beforeAll(async () => {
    direct = await openDirectDatabase(newDatabase('postgres'))
    await enqueue(direct, 2)
    const { env } = await configHome({ profiles: { nights: { db_file: await secretFile(direct.url) } } })
    child = await startJobsctl(['ui', '--profile', 'nights'], { env })
    link = new URL(await until('the link is printed', () => /http:\S+/.exec(child.output.out)?.[0]))
  })
  afterAll(() => direct.drop())

  const at = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(new URL(path, link), { headers, method, redirect: 'manual' })

  /** The status of the link for a browser that reached this machine by another name. */
  async function statusAs(host: string): Promise<number | undefined> {
    const sent = request(link, { headers: { host } })
    sent.end()
    const [response] = await once(sent, 'response')
    response.resume()
    return response.statusCode
  }

  it('opens the dashboard on this machine, for the one browser that follows the link first', async () => {
    expect(link.hostname).toBe('localhost')
    expect((await at('/api/v1/jobs/stats')).status).toBe(401)
    expect((await at('/login/another')).status).toBe(401)
    expect(await (await at('/api/v1/session')).json()).toEqual({ ways: ['link'], caller: null })
    expect(await statusAs('evil.example')).toBe(421)
    const opened = await at(link.pathname)
    expect([opened.status, opened.headers.get('location')]).toEqual([302, '/ui/'])
    const set = opened.headers.get('set-cookie') ?? ''
    expect(set).toMatch(/HttpOnly/i)
    expect(set).toMatch(/SameSite=Strict/i)
    const again = await at(link.pathname)
    expect([again.status, again.headers.get('set-cookie')]).toEqual([401, null])

    const cookie = set.split(';')[0] ?? ''
    const page = await at('/ui/', { cookie })
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
    const session = await (await at('/api/v1/session', { cookie })).json()
    expect(session).toMatchObject({
      ...{ ways: ['link'], profile: 'nights' },
      caller: { name: expect.stringMatching(/^db:/), role: 'admin' },
    })
    const stats = await (await at('/api/v1/jobs/stats', { cookie })).json()
    expect(stats).toMatchObject([{ domain: 'app', queue: 'mail', queued: 2 }])

    const unasked = await at('/api/v1/session/end', { cookie, 'sec-fetch-site': 'cross-site' }, 'POST')
    expect(unasked.status).toBe(403)
    const [{ before }] = await direct.sql<[{ before: number }]>`select count(*)::int as before from jobsctl_sessions`
    const ended = await fetch(new URL('/api/v1/session/end', link), {
      method: 'POST',
      headers: { cookie, 'sec-fetch-site': 'same-origin', 'x-confirm': 'true', 'content-type': 'application/json' },
      body: '{}',
    })
    expect([ended.status, await ended.json()]).toEqual([200, { ended: 1 }])
    expect((await at('/api/v1/jobs/stats', { cookie })).status).toBe(401)
    // Neither the login nor its end is kept in the database.
    expect([before, await direct.sql`select from jobsctl_sessions`]).toEqual([0, []])
  })

  it('ends with Ctrl-C, and its server with it', async () => {
    const server = await serverOf(child.process.pid)
    child.process.kill('SIGINT')
    expect((await child.ended).code).toBe(130)
    await until('the server is gone', async () => (await processes()).every(({ pid }) => pid !== server?.pid))
  })

  it('is for a database: a server has a dashboard, and the error says where', async () => {
    const { code, err } = await runJobsctl(['ui', '--url', 'https://jobs.example.com'])
    expect([code, err]).toEqual([2, expect.stringContaining('https://jobs.example.com/ui/')])
  })
})
