import { expect, it } from 'vitest'
import { envOf, runAt } from '../../support/fakes/change-server.ts'
import { type FakeServer, fakeServer } from '../../support/fakes/fake-server.ts'

const queue = { domain: 'media', queue: 'ingest' }
const row = { ...queue, job_type: 'scan', queued: 1, scheduled: 0, processing: 0, quarantined: 0 }

/** A server with one queue in a state; `others` is false for the other program, which lists no stopped queues. */
const serverWith = (state: { paused: boolean; drain: boolean }, ours = true, rows = [row]): Promise<FakeServer> =>
  fakeServer(({ method, path, body }) => {
    if (path.startsWith('/api/v1/engine')) return { status: 404, body: { detail: 'Not Found' } }
    if (path.startsWith('/api/v1/jobs/queue/status')) return { body: state }
    if (path.startsWith('/api/v1/jobs/stats')) return { body: rows }
    if (path.startsWith('/api/v1/jobs/events')) return { body: [] }
    if (method === 'GET') return ours ? { body: [] } : { status: 404, body: { detail: 'Not Found' } }
    const action: unknown = Reflect.get(Object(body), 'action')
    return { body: { paused: action !== 'resume', drain: action === 'drain' } }
  })
const running = { paused: false, drain: false }
const paused = { paused: true, drain: false }
const draining = { paused: true, drain: true }
const changes = ({ requests }: FakeServer) => requests.filter(({ method }) => method === 'POST')

it.each([
  ['pause', running, 'resume'],
  ['drain', paused, 'pause'],
  ['pause', draining, 'drain'],
  ['resume', paused, 'pause'],
  ['resume', draining, 'drain'],
])('%s of a queue in the state %j: the undo is the state before', async (action, state, undo) => {
  const { out } = await runAt(await serverWith(state), [action, 'media/ingest'])
  expect(out).toMatch(new RegExp(`Undo: {2}jobsctl ${undo} media/ingest\\n$`))
})

it('a queue that is paused already keeps its reason and its time, unless there is a new reason', async () => {
  const server = await serverWith(paused)
  const again = await runAt(server, ['pause', 'media/ingest'])
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining('media/ingest is paused already') })
  expect(changes(server)).toEqual([])
  await runAt(server, ['pause', 'media/ingest', '--reason', 'disk full'])
  expect(changes(server)).toHaveLength(1)
})

it('a queue that no job was ever in is not found, with the queue that is meant; --create accepts it', async () => {
  const server = await serverWith(running)
  const { code, err } = await runAt(server, ['pause', 'media/ingets'])
  expect(code).toBe(5)
  expect(err).toContain('no job is in the queue media/ingets; nothing was changed')
  expect(err).toContain('did you mean media/ingest?')
  expect(changes(server)).toEqual([])
  expect(await runAt(server, ['pause', 'media/new', '--create'])).toMatchObject({ code: 0 })
})

it('a drain at another server does not claim that new jobs are refused', async () => {
  const server = await serverWith(running, false)
  const { out } = await runAt(server, ['drain', 'media/ingest'])
  expect(out).toContain('this server goes on accepting new jobs')
  expect(envOf(server).JOBSCTL_URL).toBe(server.url)
})

it('a queue is changed by its name with its domain alone, and the names that it may mean are told', async () => {
  const server = await serverWith(running, true, [row, { ...row, domain: 'audio' }])
  for (const argv of [
    ['pause', 'ingest'],
    ['resume', 'ingest'],
    ['drain', 'ingest'],
    ['throttle', 'ingest', '--off'],
    ['threshold', 'ingest', '5'],
    ['enqueue', 'ingest', '--job-type', 'a'],
  ]) {
    const { code, err } = await runAt(server, argv)
    expect({ argv, code, err }).toMatchObject({
      code: 2,
      err: expect.stringContaining('the queue "ingest" needs its domain; nothing was changed'),
    })
    expect(err).toContain('name it with its domain: audio/ingest, media/ingest')
  }
  expect(await runAt(server, ['pause', 'ingets'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('no domain is known to have a queue "ingets"'),
  })
  expect(changes(server)).toEqual([])
  const { code, err } = await runAt(server, ['explain', 'ingest'])
  expect({ code, err }).toMatchObject({
    code: 2,
    err: expect.stringContaining('2 domains have a queue ingest'),
  })
  expect(err).toMatch(/jobsctl explain (--url \S+ )?--domain audio ingest, jobsctl explain/)
})
