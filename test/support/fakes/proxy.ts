import { request } from 'undici'
import { type FakeRequest, type FakeServer, fakeServer } from './fake-server.ts'

/** Stands between jobsctl and a server, and lets something happen after an answer, before jobsctl has it. */
export const proxyOf = (url: string, afterwards: (request: FakeRequest) => Promise<unknown>): Promise<FakeServer> =>
  fakeServer(async (received) => {
    const { method, path, headers, text } = received
    const passed = Object.entries(headers).filter(([name]) => !['host', 'connection', 'content-length'].includes(name))
    const answer = await request(`${url}${path}`, {
      method,
      headers: Object.fromEntries(passed.map(([name, value]) => [name, String(value)])),
      body: text || null,
    })
    const body = await answer.body.text()
    await afterwards(received)
    const type = String(answer.headers['content-type'] ?? 'application/json')
    return { status: answer.statusCode, headers: { 'content-type': type }, body }
  })
