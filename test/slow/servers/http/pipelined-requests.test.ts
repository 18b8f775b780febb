import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sendUntilClosed, statusesOf } from '../../../support/hostile/raw-http.ts'
import { until } from '../../../support/poll.ts'
import { jobPaths } from '../../../support/worker.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

describe('requests that a client sends before it has read the first response', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const head = (method: string, path: string) =>
    `${method} ${path} HTTP/1.1\r\nHost: jobs\r\nX-API-KEY: ${world.key}\r\n`
  const get = (path: string) => `${head('GET', path)}\r\n`
  const post = (path: string, body: object) => {
    const text = JSON.stringify(body)
    return `${head('POST', path)}Content-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
  }
  const last = () => `${head('GET', paths.stats)}Connection: close\r\n\r\n`
  const job = (n: number) => ({ domain: 'chatbooks', job_type: 'export', payload: { n } })

  it('are all answered, in their order', async () => {
    const requests = Array.from({ length: 100 }, (_, n) => (n % 4 ? post(jobPaths.enqueue, job(n)) : get('/nothing')))
    const statuses = statusesOf(await sendUntilClosed(world.url, `${requests.join('')}${last()}`))
    expect(statuses).toEqual([...Array.from({ length: 100 }, (_, n) => (n % 4 ? 201 : 404)), 200])
    const payloads = await world.sql<{ n: number }[]>`select (payload ->> 'n')::int as n from jobs order by id`
    expect(payloads.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, n) => n).filter((n) => n % 4))
  })

  it('are answered before what follows them and is no request', async () => {
    const text = `${post(jobPaths.enqueue, job(1))}${post(jobPaths.enqueue, job(2))}}garbage\r\n\r\n`
    expect(statusesOf(await sendUntilClosed(world.url, text))).toEqual([201, 201, 400])
    expect(await world.count()).toBe(2)
  })

  it('are answered before one whose body is broken', async () => {
    const head = `POST ${jobPaths.enqueue} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`
    const text = `${post(jobPaths.enqueue, job(1))}${post(jobPaths.enqueue, job(2))}${head}broken\r\n\r\n`
    expect(statusesOf(await sendUntilClosed(world.url, text))).toEqual([201, 201, 400])
    expect(await world.count()).toBe(2)
  })

  it('run one after another', async () => {
    const acquire = { domain: 'chatbooks', worker_id: 'w', wait_seconds: 30 }
    const answer = sendUntilClosed(
      world.url,
      `${post(jobPaths.acquire, acquire)}${post(jobPaths.enqueue, job(1))}${last()}`,
      60_000,
    )
    // Calls on other connections run meanwhile, and none of them finds the job of the second request.
    for (let n = 0; n < 20; n += 1) expect(await world.count()).toBe(0)
    await world.post(jobPaths.enqueue, job(2))
    expect(statusesOf(await answer)).toEqual([200, 201, 200])
  })

  it('do not keep the calls of others waiting, although nobody reads their responses', async () => {
    const connections = 100
    const each = 60
    const sockets: Socket[] = Array.from({ length: connections }, () => {
      const { hostname, port } = new URL(world.url)
      const socket = connect({ host: hostname, port: Number(port) }).on('error', () => {})
      socket.pause()
      socket.write(get(paths.stats).repeat(each))
      return socket
    })
    const responses = () => world.log.filter((line) => line.includes(`"route":"${paths.stats}"`)).length
    try {
      await until('the server responds to some of them', () => responses() > 0)
      const before = responses()
      expect((await world.call('GET', paths.stats)).status).toBe(200)
      expect(responses() - before).toBeLessThan((connections * each) / 2)
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  })
})
