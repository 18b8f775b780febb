import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { events as operation } from '../../../shared/endpoints.ts'
import { everyKind, newDatabase } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { longShutdown, spawnServer } from '../../support/programs/spawn-server.ts'
import { readStream } from '../../support/streams/event-reader.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(everyKind)('events on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  // Ids go on: a cursor never goes back.
  beforeEach(() => world.sql`truncate jobs, job_events`)

  const read = async (query = '') => {
    const { status, body } = await world.call('GET', `${jobPaths.events}${query}`)
    expect(status).toBe(200)
    return operation.output.parse(body)
  }

  it('tell the life of a job, step by step', async () => {
    const { id, uuid } = await worker.enqueue({ owner_user_id: 'o', queue: 'q' })
    await worker.fail(await worker.take({ queue: 'q' }), { backoff_seconds: 0, error_code: 'c' })
    await worker.release(await worker.take({ queue: 'q' }))
    await worker.renew(await worker.take({ queue: 'q' }))
    await worker.cancel(id, { force: true })
    expect(uuid).not.toBeNull()

    const all = await read()
    expect(all.map(({ event_type }) => event_type)).toEqual([
      ...['job.created', 'job.acquired', 'job.retry_scheduled', 'job.acquired', 'job.released', 'job.acquired'],
      'job.cancelled',
    ])
    for (const event of all) {
      expect(event).toMatchObject({
        ...{ job_id: id, domain: 'chatbooks', queue: 'q', job_type: 'export', owner_user_id: 'o' },
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        request_id: expect.any(String),
      })
    }
    expect(all[2]?.attrs).toMatchObject({ error_code: 'c', retry_count: 1, worker_id: 'worker-1' })
  })

  it('come page by page after a cursor, each once', async () => {
    await worker.enqueueAll(Array.from({ length: 25 }, () => ({})))
    const ids: number[] = []
    for (;;) {
      const page = await read(`?limit=10&after_id=${ids.at(-1) ?? 0}`)
      if (page.length === 0) break
      expect(page.length).toBeLessThanOrEqual(10)
      ids.push(...page.map(({ id }) => id))
    }
    expect(ids).toHaveLength(25)
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
    expect(await read(`?after_id=${ids.at(-1)}`)).toEqual([])
    expect(await read('')).toHaveLength(25)
  })

  it('come page by page from the end, too, in the order of their ids', async () => {
    await worker.enqueueAll(Array.from({ length: 25 }, (_, at) => ({ queue: at % 5 === 0 ? 'rare' : 'default' })))
    const all = (await read()).map(({ id }) => id)
    const walked: number[][] = []
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const page = (await read(`?limit=10&before_id=${before}`)).map(({ id }) => id)
      if (page.length === 0) break
      walked.unshift(page)
      before = page[0] ?? 0
    }
    expect(walked.map(({ length }) => length)).toEqual([5, 10, 10])
    expect(walked.flat()).toEqual(all)
    const rare = (await read('?queue=rare')).map(({ id }) => id)
    expect((await read('?queue=rare&limit=2&before_id=9007199254740991')).map(({ id }) => id)).toEqual(rare.slice(-2))
    expect((await read(`?after_id=${all[3]}&before_id=${all[6]}`)).map(({ id }) => id)).toEqual(all.slice(4, 6))
    expect((await world.call('GET', `${jobPaths.events}?before_id=-1`)).status).toBe(422)
  })

  it('are filtered by domain, queue and job type', async () => {
    await worker.enqueueAll([{}, { domain: 'other' }, { queue: 'other' }, { job_type: 'other' }])
    const domains = async (query: string) => (await read(query)).map((e) => [e.domain, e.queue, e.job_type].join('/'))
    expect(await domains('?domain=other')).toEqual(['other/default/export'])
    expect(await domains('?queue=other')).toEqual(['chatbooks/other/export'])
    expect(await domains('?domain=chatbooks&queue=default&job_type=other')).toEqual(['chatbooks/default/other'])
    expect(await domains('?domain=')).toHaveLength(4)
  })

  it('stream as they happen, each with its id, and go on after Last-Event-ID', async () => {
    await worker.enqueue()
    const first = await readStream(world, '?domain=chatbooks')
    expect(first.status).toBe(200)
    expect(first.headers['content-type']).toMatch(/^text\/event-stream/)
    await first.count(1)
    await worker.enqueueAll([{}, { domain: 'other' }, {}])
    await first.count(3)
    first.stop()
    await worker.enqueue()

    const all = (await read('?domain=chatbooks')).map(({ id }) => id)
    expect(first.ids).toEqual(all.slice(0, 3))
    expect(first.events.map(({ id }) => id)).toEqual(first.ids)
    const second = await readStream(world, '?domain=chatbooks&after_id=0', { 'last-event-id': String(all[1]) })
    await second.count(2)
    expect(second.ids).toEqual(all.slice(2))
    second.stop()
  })

  it('stream in messages named job, with the type as event beside all fields', async () => {
    const { id } = await worker.enqueue({ queue: 'q' })
    await world.sql`insert into job_events (domain, queue, event_type, attrs_json) values ('chatbooks', 'q', 'job.other', 'null')`
    const reader = await readStream(world)
    await reader.count(2)
    reader.stop()
    const [created, other] = reader.lines
      .filter((line) => line.startsWith('data:'))
      .map((line) => JSON.parse(line.slice(5)))
    expect(reader.lines.filter((line) => line.startsWith('event:'))).toEqual(['event: job', 'event: job'])
    expect(created).toMatchObject({
      ...{ event: 'job.created', event_type: 'job.created', job_id: id, domain: 'chatbooks', queue: 'q' },
      attrs: { priority: 5 },
    })
    expect(other).toMatchObject({ event: 'job.other', attrs: {} })
    expect((await read()).at(-1)?.attrs).toEqual({})
  })

  it('stream the messages of the other server to those who ask for them by event=job', async () => {
    // Its messages are no events in this reader, so that the lines are read alone.
    const headers = { 'x-api-key': world.key }
    const answer = await fetch(`${world.url}${jobPaths.stream}?event=job&domain=nobody`, { headers })
    const reader = answer.body?.getReader()
    let text = ''
    await until('a heartbeat has come', async () => {
      const { value } = (await reader?.read()) ?? {}
      text += Buffer.from(value ?? []).toString()
      return text.includes('heartbeat')
    })
    await reader?.cancel()
    expect(text).toMatch(/^event: ping\ndata: \{\}\n\nid: \d+\ndata: \{"heartbeat": true\}\n\n/)
    expect((await world.call('GET', `${jobPaths.stream}?event=others`)).status).toBe(422)
  })

  it('are 200 at most without a limit, and a limit outside of 1 to 1000 is taken as the nearest', async () => {
    await worker.enqueueAll(Array.from({ length: 1000 }, () => ({})))
    await worker.enqueue()
    expect(await read()).toHaveLength(200)
    expect(await read('?limit=0')).toHaveLength(1)
    expect(await read('?limit=-5')).toHaveLength(1)
    expect(await read('?limit=99999')).toHaveLength(1000)
    expect((await world.call('GET', `${jobPaths.events}?limit=many`)).status).toBe(422)
  })

  it('stream a sign of life where nothing happens, which is a place to go on from', async () => {
    await worker.enqueueAll([{}, {}])
    const reader = await readStream(world, '?domain=nothing')
    await until('there is a heartbeat', () => reader.heartbeats() > 0)
    expect(reader.events).toEqual([])
    expect(reader.ids[0]).toBeGreaterThanOrEqual((await read()).at(-1)?.id ?? 0)
    reader.stop()
  })

  it('stream more than a page at once', async () => {
    await worker.enqueueAll(Array.from({ length: 1000 }, () => ({})))
    const reader = await readStream(world)
    await reader.count(1000)
    expect(new Set(reader.ids).size).toBe(1000)
    reader.stop()
  })

  it('have none of a rolled back transaction, and one for a call that is repeated', async () => {
    const jobs = await Promise.all(Array.from({ length: 10 }, () => worker.enqueue({ idempotency_key: 'k' })))
    const job = await worker.take()
    await Promise.all(Array.from({ length: 10 }, () => worker.complete(job, { completion_token: 't' })))
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1)
    expect((await read()).map(({ event_type }) => event_type)).toEqual(['job.created', 'job.acquired', 'job.completed'])
  })
})

describe.each(everyKind)('a stream of events on %s', (kind) => {
  it('ends when the server stops, and does not hold it up', async () => {
    const { env } = await newDatabase(kind)
    const server = await spawnServer({ ...env, ...longShutdown, SINGLE_USER_API_KEY: 'k' })
    try {
      await until('the server is ready', () => server.output.out.includes('"ready"'))
      const reader = await readStream({ url: server.url, key: 'k' })
      await until('there is a heartbeat', () => reader.heartbeats() > 0)
      expect(await server.stop()).toMatchObject({ code: 0, err: '' })
      await reader.ended
    } finally {
      await server.kill()
    }
  })
})

it('a reader of a stream that takes nothing does not hold up the end of the server', async () => {
  const world = await openWorld('postgres')
  const server = await spawnServer({ ...world.env, ...longShutdown })
  try {
    // Far more than the buffers of the operating system hold.
    await world.sql`
      insert into job_events (domain, queue, job_type, event_type, attrs_json)
      select 'd', 'q', 't', 'job.created', jsonb_build_object('text', repeat('x', 10000)) from generate_series(1, 4000)`
    const { hostname, port } = new URL(server.url)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.on('error', () => {})
    socket.write(`GET ${jobPaths.stream}?after_id=1 HTTP/1.1\r\nHost: x\r\nX-API-KEY: ${world.key}\r\n\r\n`)
    await once(socket, 'readable')
    expect(await server.stop()).toMatchObject({ code: 0, err: '' })
  } finally {
    await server.kill()
    await world.stop()
  }
})
