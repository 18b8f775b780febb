import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { makeToken } from '../../../support/access/tokens.ts'
import { until } from '../../../support/poll.ts'
import { startChild } from '../../../support/programs/child.ts'
import { jobPaths, newJob } from '../../../support/worker.ts'
import { openWorld, type World } from '../../../support/world.ts'

const secret = 'shared with the receiver'
const Body = z.array(z.object({ id: z.number(), event_type: z.string() }))

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

const statuses = {
  takes: 202,
  'takes without an end': 202,
  'fails without an end': 500,
  fails: 500,
  'answers a page': 502,
  ends: 410,
  'knows no such path': 404,
}

/** What the receiver does with a request. */
type Mood = keyof typeof statuses | 'hangs'

/** A receiver of events, which remembers the ids that it has taken, request by request. */
function receiver() {
  const state = { mood: 'takes' as Mood, taken: [] as number[][], asked: 0, unsigned: 0, text: '', sent: 0 }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    state.asked += 1
    if (state.mood === 'hangs') return
    const text = (await request.setEncoding('utf8').toArray()).join('')
    const signature = createHmac('sha256', secret).update(text).digest('hex')
    if (request.headers['x-signature'] !== `sha256=${signature}`) state.unsigned += 1
    state.text = text
    if (state.mood.startsWith('takes')) state.taken.push(Body.parse(JSON.parse(text)).map(({ id }) => id))
    if (state.mood.endsWith('without an end')) {
      response.writeHead(statuses[state.mood])
      while (!response.destroyed) {
        state.sent += 100_000
        if (!response.write('x'.repeat(100_000))) await Promise.race([once(response, 'drain'), once(response, 'close')])
      }
      return
    }
    response
      .writeHead(statuses[state.mood])
      .end(state.mood === 'answers a page' ? '<html>\r\n<h1>Bad \u001b[31mGateway</h1>\n' : 'thank you')
  }
  const server = createServer((request, response) => void answer(request, response))
  const listen = async (port = 0) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
  return { state, listen, stop }
}

const start = (port: number, name: string, unset: Record<string, string> = {}) =>
  startChild(['--import', 'tsx', 'scripts/example-forwarder.ts', name], {
    env: { BASE: world.url, API_KEY: world.key, TARGET: `http://127.0.0.1:${port}/`, SECRET: secret, ...unset },
  })
const enqueue = () => world.post(jobPaths.batch, { jobs: Array.from({ length: 150 }, () => newJob()) })
/** A name for each try. */
const nameOf = (text: string) => `${text}-${crypto.randomUUID()}`
const lastId = async () => (await world.sql<{ id: number }[]>`select coalesce(max(id), 0) as id from job_events`)[0]?.id
const placeOf = async (name: string) => {
  const [cursor] = await world.sql<{ after_id: number }[]>`
    select after_id from jobsctl_event_cursors where name = ${name}`
  return cursor?.after_id
}

it('the forwarder sends every event in order, whatever becomes of the receiver and of itself', async () => {
  const target = receiver()
  const port = await target.listen()
  const { state } = target
  // A repeat of the test has its own place in the log.
  const [name, begin] = [nameOf('billing'), (await lastId()) ?? 0]
  await world.post(`/api/v1/jobs/events/cursors/${name}`, { after_id: begin })
  const ids = async () =>
    (await world.sql<{ id: number }[]>`select id from job_events where id > ${begin} order by id`).map(({ id }) => id)
  const lastTaken = () => state.taken.at(-1)?.at(-1)
  const allTaken = async () => lastTaken() === (await ids()).at(-1)

  await enqueue()
  let forwarder = start(port, name)
  await until('all events came', allTaken)

  state.mood = 'fails'
  await enqueue()
  const asked = state.asked
  await until('it has failed twice', () => state.asked >= asked + 2)
  forwarder.process.kill('SIGKILL')
  await forwarder.ended
  state.mood = 'hangs'
  const before = state.asked
  forwarder = start(port, name)
  await until('a request hangs', () => state.asked > before)
  await target.stop()
  state.mood = 'takes'
  await enqueue()
  await target.listen(port)
  await until('all events came after all', allTaken)

  const flat = state.taken.flat()
  expect(flat.filter((id, at) => id <= (flat[at - 1] ?? 0))).toEqual([])
  expect(flat).toEqual(await ids())
  expect(state.unsigned).toBe(0)
  await until('the cursor has moved', async () => (await placeOf(name)) === lastTaken())

  forwarder.process.kill('SIGTERM')
  expect(await forwarder.ended).toMatchObject({ code: 0 })
  await target.stop()
}, 300_000)

it('the forwarder sends an event with large numbers and many levels as it is', async () => {
  const target = receiver()
  const port = await target.listen()
  const name = nameOf('exact')
  await world.post(`/api/v1/jobs/events/cursors/${name}`, { after_id: (await lastId()) ?? 0 })
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
  await world.sql`
    insert into job_events (event_type, attrs_json)
    values ('invoice.made', jsonb_build_object('cents', 12345678901234567890, 'deep', ${deep}::text::jsonb))`
  const forwarder = start(port, name)
  await until('it came', () => target.state.taken.length > 0)
  expect(target.state.text).toMatch(/"cents": ?12345678901234567890/)
  expect(target.state.text).toContain(deep)
  expect(target.state.unsigned).toBe(0)
  forwarder.process.kill('SIGTERM')
  expect(await forwarder.ended).toMatchObject({ code: 0 })
  await target.stop()
}, 120_000)

it('the forwarder takes no more of an answer that never ends than it needs, and takes a token', async () => {
  const shared = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
  const target = receiver()
  const port = await target.listen()
  const { state } = target
  state.mood = 'fails without an end'
  await shared.sql`insert into job_events (event_type) values ('invoice.made')`
  const forwarder = start(port, nameOf('endless'), {
    BASE: shared.url,
    API_KEY: await makeToken(shared.sql, 'forwarder', 'viewer'),
  })
  await until('it has asked again', () => state.asked > 1)
  state.mood = 'takes without an end'
  await until('the cursor has moved', async () => {
    const [cursor] = await shared.sql<{ after_id: number }[]>`select after_id from jobsctl_event_cursors`
    return cursor?.after_id === 1
  })
  expect(state.sent).toBeLessThan(100_000_000)
  expect(state.taken).toEqual([[1]])
  forwarder.process.kill('SIGTERM')
  expect(await forwarder.ended).toMatchObject({ code: 0 })
  await target.stop()
  await shared.stop()
}, 120_000)

it('the forwarder ends where asking again cannot help, and leaves its cursor', async () => {
  const target = receiver()
  const port = await target.listen()
  const [unwanted, behind, fresh] = [nameOf('unwanted'), nameOf('behind'), nameOf('fresh')]
  const begin = (await lastId()) ?? 0
  await world.post(`/api/v1/jobs/events/cursors/${unwanted}`, { after_id: begin })
  await enqueue()
  target.state.mood = 'ends'
  const ended = await start(port, unwanted).ended
  expect(ended).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^stopped at http:\/\/127.0.0.1:\d+\/: 410 thank you/),
  })
  expect(target.state.asked).toBe(1)
  expect(await placeOf(unwanted)).toBe(begin)

  target.state.mood = 'takes'
  await world.post(`/api/v1/jobs/events/cursors/${behind}`, { after_id: 1 })
  const [oldest] = await world.sql<{ id: number }[]>`
    with gone as (
      delete from job_events where id < (select max(id) from job_events) returning id
    ),
    noted as (
      insert into jobsctl_expired_events (domain, queue, job_type, last_id) select '', '', '', max(id) from gone
      on conflict (domain, queue, job_type) do update set last_id = excluded.last_id
    )
    select max(id) as id from job_events`
  const late = await start(port, behind).ended
  expect(late).toMatchObject({ code: 1, err: expect.stringMatching(/410 .*"oldest_id":.*"code":"events_expired"/) })
  expect([target.state.taken, await placeOf(behind)]).toEqual([[], 1])
  // A new cursor has missed nothing.
  const forwarder = start(port, fresh)
  await until('the last event came', () => target.state.taken.at(-1)?.at(-1) === oldest?.id)
  forwarder.process.kill('SIGTERM')
  expect(await forwarder.ended).toMatchObject({ code: 0 })
  for (const name of ['a name with spaces', '../x', 'a/b'])
    expect(await start(port, name).ended, name).toMatchObject({ code: 1, err: expect.stringContaining('422') })
  for (const env of [{ TARGET: '' }, { TARGET: 'billing', SECRET: secret }, { SECRET: '' }])
    expect(await start(port, nameOf('unset'), env).ended).toMatchObject({
      code: 1,
      err: expect.stringContaining('set TARGET'),
    })
  const withPassword = await start(port, nameOf('unset'), { TARGET: `http://user:hidden@127.0.0.1:${port}/` }).ended
  expect(withPassword).toMatchObject({ code: 1, err: expect.stringContaining('TARGET has a user or a password') })
  const withHidden = await start(port, nameOf('unset'), { BASE: `http://user:hidden@127.0.0.1:${port}` }).ended
  expect(withHidden).toMatchObject({ code: 1, err: expect.stringContaining('BASE has a user or a password') })
  expect(withHidden.err).not.toContain('hidden')
  expect(withPassword.err).not.toContain('hidden')
  await target.stop()
}, 120_000)

it('the forwarder says that a URL is wrong, waits for the receiver, and ends where it is the URL of the server', async () => {
  const target = receiver()
  const port = await target.listen()
  target.state.mood = 'knows no such path'
  const name = nameOf('lost')
  await world.post(`/api/v1/jobs/events/cursors/${name}`, { after_id: (await lastId()) ?? 0 })
  await enqueue()
  const forwarder = start(port, name, { TARGET: `http://127.0.0.1:${port}/evnts?key=secret` })
  const line = `http://127.0.0.1:${port}/evnts: 404 thank you; nothing is at this path, so look at the URL; asking again in `
  await until('it has asked again', () => forwarder.output.err.split(line).length > 2)
  expect(forwarder.output.err).not.toContain('secret')
  target.state.mood = 'answers a page'
  await until('a try is one line', () =>
    forwarder.output.err.includes('/evnts: 502 <html> <h1>Bad [31mGateway</h1> ; asking again in '),
  )
  await target.stop()
  await until('it says that nobody answers', () =>
    forwarder.output.err.includes('/evnts: no answer connect ECONNREFUSED'),
  )
  forwarder.process.kill('SIGTERM')
  expect(await forwarder.ended).toMatchObject({ code: 0 })
  expect(await start(port, name, { BASE: `${world.url}/api` }).ended).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^stopped at .*\/api\/api\/v1\/jobs\/events\/cursors: 404 .*; nothing is at this path/),
  })
}, 120_000)

it('the forwarder ends where events of its first catch-up are deleted before it has sent them, also when it begins again at 0', async () => {
  const deleteEvents = (before: number) => world.sql`
    with gone as (
      delete from job_events where id < ${before}::bigint returning id
    )
    insert into jobsctl_expired_events as known (domain, queue, job_type, last_id) select '', '', '', max(id) from gone
    on conflict (domain, queue, job_type) do update set last_id = excluded.last_id`
  await world.sql`truncate jobsctl_expired_events`
  await world.sql`truncate job_events restart identity`
  const [slow, brief] = [`slow-${crypto.randomUUID()}`, `brief-${crypto.randomUUID()}`]
  const target = receiver()
  const port = await target.listen()
  const { state } = target
  await enqueue()
  await enqueue()
  state.mood = 'fails'
  const down = start(port, slow)
  await until('the receiver has failed', () => state.asked > 0)
  expect(await placeOf(slow)).toBe(0)
  const killed = start(port, brief)
  await until('the other one is registered', async () => (await placeOf(brief)) === 0)
  killed.process.kill('SIGKILL')
  await killed.ended
  await deleteEvents(280)
  const again = await start(port, brief).ended
  expect(again).toMatchObject({
    code: 1,
    err: expect.stringMatching(/410 .*"oldest_id":280,.*"code":"events_expired"/),
  })
  expect([state.taken, await placeOf(brief)]).toEqual([[], 0])
  state.mood = 'takes'
  expect(await down.ended).toMatchObject({ code: 1, err: expect.stringContaining('"code":"events_expired"') })
  expect(state.taken.map((ids) => [ids[0], ids.at(-1)])).toEqual([[1, 200]])
  expect(await placeOf(slow)).toBe(200)
  await target.stop()
}, 120_000)
