import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeToken } from '../../../support/access/tokens.ts'
import { kinds, newDatabase } from '../../../support/database/database.ts'
import { ago } from '../../../support/database/job-row.ts'
import { until } from '../../../support/poll.ts'
import { longShutdown, spawnServer } from '../../../support/programs/spawn-server.ts'
import { readStats, type StatsReader, statsStreamPath } from '../../../support/streams/stats-reader.ts'
import { jobPaths, workerOf } from '../../../support/worker.ts'
import { openWorld, paths, type World } from '../../../support/world.ts'

const group = 'chatbooks/default/export'

describe.each(kinds)('the stream of stats on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  const readers: StatsReader[] = []
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    for (const reader of readers.splice(0)) reader.stop()
    await world.clear()
    await world.sql`truncate job_queue_controls, job_operations`
  })

  async function read(query = '', headers: Record<string, string> = {}): Promise<StatsReader> {
    const [{ now }] = await world.sql<[{ now: string }]>`select now()`
    // Readers share a read that is up to a second old, and begin with it.
    return until('a read of now begins a stream', async () => {
      const reader = await readStats(world, query, headers)
      readers.push(reader)
      // Compared as numbers: as text, 18.1Z comes after 18.105Z.
      return Date.parse(reader.messages[0]?.frame.as_of ?? '') > Date.parse(now) ? reader : undefined
    })
  }
  const of = (reader: StatsReader, name = group) => reader.groups().get(name)

  it('begins with everything, also after a Last-Event-ID of any kind', async () => {
    await world.jobs(2, { status: 'queued' })
    await world.jobs(1, { status: 'quarantined', queue: 'low' })
    await world.jobs(1, { status: 'completed', domain: 'media' })
    await worker.enqueue({ queue: 'paused' })
    await world.post(jobPaths.control, { domain: 'chatbooks', queue: 'paused', action: 'pause', reason: 'disk full' })
    await world.sql`
      insert into job_operations (kind, domain, filters, as_of, seen, caller, request_hash, state, affected)
      values ('prune', 'chatbooks', '{}', now(), '1:1:', 'c', 'h', 'running', 7), ('prune', null, '{}', now(), '1:1:', 'c', 'h', 'done', 1)`
    for (const headers of [{}, { 'last-event-id': '12' }, { 'last-event-id': 'ünknown'.slice(1) }]) {
      const reader = await read('', headers)
      expect(reader.headers).toMatchObject({
        'content-type': expect.stringContaining('text/event-stream'),
        'x-request-id': expect.any(String),
      })
      const [first] = reader.messages
      expect(first?.event).toBe('full')
      const { body } = await world.call('GET', paths.stats)
      expect(first?.frame.groups).toMatchObject(Object(body))
      expect(first?.frame.gone).toEqual([])
      expect(first?.fields).toEqual([...Object.keys(Object(body)[0]), 'oldest_due', 'entered', 'ended', 'untold'])
      expect(first?.frame.stopped).toMatchObject([{ queue: 'paused', paused: true, drain: false, reason: 'disk full' }])
      expect(first?.frame.operations).toMatchObject([{ kind: 'prune', domain: 'chatbooks', affected: 7, caller: 'c' }])
    }
  })

  it('then tells the groups that change alone, at most once a second', async () => {
    await world.jobs(1, { status: 'queued', queue: 'still' })
    const reader = await read()
    await worker.enqueueAll([{}, {}])
    await until('both jobs are told', () => of(reader)?.queued === 2)
    await worker.take()
    await until('the running job is told', () => of(reader)?.processing === 1)
    const later = reader.messages.slice(1)
    expect(later.every(({ event }) => event === 'changes')).toBe(true)
    expect(later.flatMap(({ frame }) => frame.groups.map(({ queue }) => queue))).not.toContain('still')
    expect(later.every(({ frame }) => frame.stopped === undefined && frame.operations === undefined)).toBe(true)
    const pauses = later.slice(1).map(({ at }, nth) => at - (later[nth]?.at ?? 0))
    // The server spaces its reads; how long a message takes to arrive differs by less than half a second.
    for (const pause of pauses) expect(pause).toBeGreaterThan(500)
    const { body } = await world.call('GET', paths.stats)
    expect([...reader.groups().values()]).toHaveLength(Object(body).length)
  })

  it('tells groups that are gone, queues that stop and go on, and operations that begin and end', async () => {
    await world.jobs(1, { status: 'completed' })
    const reader = await read()
    const stopped = () => reader.messages.findLast(({ frame }) => frame.stopped)?.frame.stopped
    const operations = () => reader.messages.findLast(({ frame }) => frame.operations)?.frame.operations
    expect(of(reader)).toMatchObject({ queued: 0, oldest_due: null })
    await world.sql`delete from jobs`
    await until('the group is gone', () => reader.groups().size === 0)
    await world.sql`insert into job_queue_controls (domain, queue, paused, drain) values ('d', 'q', null, true)`
    await until('the stop is told', () => stopped()?.length === 1)
    await world.sql`truncate job_queue_controls`
    await until('the end of the stop is told', () => stopped()?.length === 0)
    await world.sql`
      insert into job_operations (kind, filters, as_of, seen, caller, request_hash) values ('sweep', '{}', now(), '1:1:', 'c', 'h')`
    await until('the operation is told', () => operations()?.[0]?.kind === 'sweep')
    await world.sql`update job_operations set affected = 5`
    await until('its progress is told', () => operations()?.[0]?.affected === 5)
    await world.sql`update job_operations set state = 'done'`
    await until('its end is told', () => operations()?.length === 0)
  })

  it('is narrowed by scope, with the stopped queues and the operations of it', async () => {
    await world.jobs(1, { status: 'queued' })
    await world.jobs(1, { status: 'queued', domain: 'media', queue: 'q', job_type: 't' })
    await world.sql`insert into job_queue_controls (domain, queue, paused) values ('media', 'q', true), ('chatbooks', 'default', true)`
    await world.sql`
      insert into job_operations (kind, domain, queue, filters, as_of, seen, caller, request_hash)
      values ('sweep', null, null, '{}', now(), '1:1:', 'c', 'h1'), ('prune', 'chatbooks', 'low', '{}', now(), '1:1:', 'c', 'h2')`
    const kindsOf = (reader: StatsReader) => reader.messages[0]?.frame.operations?.map(({ kind }) => kind)
    for (const query of ['?domain=media', '?queue=q', '?job_type=t', '?domain=%20media%20&queue=q&job_type=']) {
      const reader = await read(query)
      expect([...reader.groups().keys()]).toEqual(['media/q/t'])
    }
    const media = await read('?domain=media')
    expect(media.messages[0]?.frame.stopped).toMatchObject([{ domain: 'media' }])
    expect(kindsOf(media)).toEqual(['sweep'])
    expect(kindsOf(await read('?domain=chatbooks'))).toEqual(['sweep', 'prune'])
    await worker.enqueueAll([{}, { domain: 'media', queue: 'q', job_type: 't' }])
    await until('the change in scope is told', () => of(media, 'media/q/t')?.queued === 2)
    expect(media.groups().size).toBe(1)
    const messages = media.messages.length
    await worker.enqueue()
    const all = await read()
    await until('the other change is told to others', () => of(all)?.queued === 3)
    expect(media.messages).toHaveLength(messages)
  })

  /** The counters of the group since the reader began; the server may have counted before. */
  function countersOf(reader: StatsReader) {
    const { entered = 0, ended = 0, untold = 0 } = reader.messages[0]?.frame.groups[0] ?? {}
    return () => {
      const now = of(reader)
      return {
        entered: (now?.entered ?? 0) - entered,
        ended: (now?.ended ?? 0) - ended,
        untold: (now?.untold ?? 0) - untold,
      }
    }
  }

  it('counts what came and went by its events, and tells what had none', async () => {
    await world.jobs(1, { status: 'queued' })
    const reader = await read()
    const counters = countersOf(reader)
    await worker.enqueueAll([{}, {}, {}])
    await worker.complete(await worker.take())
    await worker.fail(await worker.take(), { retryable: false })
    await worker.fail(await worker.take(), { backoff_seconds: 3600 })
    await until('all is counted', () => counters().ended === 2 && of(reader)?.scheduled === 1)
    expect(counters()).toEqual({ entered: 3, ended: 2, untold: 0 })
    await world.jobs(2, { status: 'queued' })
    await until('what had no event is told', () => of(reader)?.queued === 3)
    expect(counters()).toEqual({ entered: 3, ended: 2, untold: 2 })
  })

  it('counts the events of a transaction that was open for longer than a read', async () => {
    if (kind === 'embedded') return // one session, so nothing else runs while its transaction is open
    await world.jobs(1, { status: 'queued' })
    const reader = await read()
    const counters = countersOf(reader)
    await world.sql.begin(async (tx) => {
      await tx`insert into job_events (event_type, domain, queue, job_type) values ('job.created', 'chatbooks', 'default', 'export')`
      await tx`insert into jobs (domain, queue, job_type, status) values ('chatbooks', 'default', 'export', 'queued')`
      await worker.enqueue()
      await until('a later event is counted', () => counters().entered === 1)
    })
    await until('the earlier event is counted', () => counters().entered === 2)
    expect(of(reader)?.queued).toBe(3)
    expect(counters()).toEqual({ entered: 2, ended: 0, untold: 0 })
  })

  it('goes on beside events whose ids no number holds', async () => {
    await world.sql`
      insert into job_events (id, event_type, domain, queue, job_type)
      values (9223372036854775807, 'job.created', 'chatbooks', 'default', 'export'), (-9223372036854775808, 'job.created', null, null, null)`
    await world.jobs(1, { status: 'queued' })
    const reader = await read()
    const counters = countersOf(reader)
    await worker.enqueue()
    await until('the job is told', () => of(reader)?.queued === 2)
    expect(counters()).toEqual({ entered: 1, ended: 0, untold: 0 })
  })

  const infinite = '-infinity'
  it.each<[string, () => object, number | undefined]>([
    ['the creation of a job without a time of its own', () => ({ created_at: ago(500), available_at: null }), 500],
    ['the time from which a job could run', () => ({ created_at: ago(500), available_at: ago(100) }), 100],
    ['nothing where the job is not due', () => ({ created_at: ago(500), available_at: ago(-100) }), undefined],
    ['nothing where the job has no time at all', () => ({ created_at: null, available_at: null }), undefined],
    ['nothing where its time is infinite', () => ({ created_at: infinite, available_at: infinite }), undefined],
    ['nothing where the job runs', () => ({ created_at: ago(500), status: 'processing' }), undefined],
  ])('dates the oldest wait from %s', async (_, wanted, seconds) => {
    await world.jobs(1, { status: 'queued', ...wanted() })
    await world.jobs(1, { status: 'completed' })
    const { oldest_due } = of(await read()) ?? {}
    if (seconds === undefined) expect(oldest_due).toBeNull()
    else expect((Date.now() - Date.parse(oldest_due ?? '')) / 1000).toBeCloseTo(seconds, -2)
  })

  it('finds the oldest wait behind jobs that wait for a later time', async () => {
    await world.jobs(30, { status: 'queued', created_at: ago(900), available_at: ago(-900) })
    await world.jobs(1, { status: 'queued', created_at: ago(600), available_at: ago(300) })
    const wait = (reader: StatsReader) => (Date.now() - Date.parse(of(reader)?.oldest_due ?? '')) / 1000
    expect(wait(await read())).toBeCloseTo(300, -2)
    await world.jobs(1, { status: 'queued', created_at: ago(1500), available_at: null })
    expect(wait(await read())).toBeCloseTo(1500, -2)
  })

  it('sends the sums of queues, or of domains, where there are more groups than a reader wants', async () => {
    const waiting = { status: 'queued', queue: 'low', available_at: null }
    await world.jobs(2, { ...waiting, job_type: 'a', created_at: ago(60) })
    await world.jobs(3, { ...waiting, job_type: 'b', created_at: ago(600) })
    await world.jobs(1, { status: 'quarantined', queue: 'high', job_type: 'c' })
    await world.jobs(1, { status: 'quarantined', domain: 'media', queue: 'x', job_type: 'd' })
    const folded = async (query: string) => {
      const reader = await read(query)
      const groups = [...reader.groups()].map(([name, { queued, quarantined }]) => [name, queued, quarantined])
      return { reader, level: reader.messages[0]?.frame.level, groups: groups.sort() }
    }
    expect(await folded('?most=4')).toMatchObject({ level: 'job_type', groups: { length: 4 } })
    const queues = [
      ['chatbooks/high/', 0, 1],
      ['chatbooks/low/', 5, 0],
    ]
    expect(await folded('?most=3')).toMatchObject({ level: 'queue', groups: [...queues, ['media/x/', 0, 1]] })
    expect(await folded('?most=1&domain=chatbooks')).toMatchObject({ level: 'queue', groups: queues })
    expect(await folded('?most=1&domain=chatbooks&queue=low')).toMatchObject({
      level: 'job_type',
      groups: { length: 2 },
    })
    const { reader, level, groups } = await folded('?most=2')
    expect([level, groups]).toEqual([
      'domain',
      [
        ['chatbooks//', 5, 1],
        ['media//', 0, 1],
      ],
    ])
    const wait = () => (Date.now() - Date.parse(of(reader, 'chatbooks//')?.oldest_due ?? '')) / 1000
    expect(wait()).toBeCloseTo(600, -2)
    // What changes is sent as a sum, and another level begins again.
    await world.jobs(1, { ...waiting, job_type: 'a', created_at: ago(60) })
    await until('the sum has changed', () => of(reader, 'chatbooks//')?.queued === 6)
    expect(reader.messages.at(-1)).toMatchObject({
      event: 'changes',
      frame: { level: 'domain', groups: { length: 1 } },
    })
    await world.sql`delete from jobs where domain = 'chatbooks'`
    await until('the level is another one', () => reader.messages.at(-1)?.frame.level === 'job_type')
    expect([...reader.groups().keys()]).toEqual(['media/x/d'])
    for (const most of ['0', '-1', 'x'])
      expect((await world.call('GET', `${statsStreamPath}?most=${most}`)).status).toBe(422)
  })

  it('refuses a misspelt filter and a wrong key, and answers HEAD', async () => {
    expect(await world.call('GET', `${statsStreamPath}?domian=x`)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request' },
    })
    expect(await world.call('GET', `${statsStreamPath}?domain=a&domain=b`)).toMatchObject({ status: 422 })
    expect(await world.call('GET', statsStreamPath, undefined, { 'x-api-key': 'wrong' })).toMatchObject({ status: 401 })
    expect(await world.call('HEAD', statsStreamPath)).toMatchObject({ status: 200 })
    expect((await world.call('POST', statsStreamPath, {})).status).toBe(405)
  })

  it('carries names with control characters, and jobs without counts that can be trusted', async () => {
    await world.jobs(2, { status: 'queued', queue: 'a\nb\u001b[31m', job_type: '</script>\u202e' })
    await world.sql`update jobsctl_counting set triggers = null`
    const reader = await read()
    expect(of(reader, 'chatbooks/a\nb\u001b[31m/</script>\u202e')?.queued).toBe(2)
  })

  it('says something at least every ten seconds where nothing changes', async () => {
    const reader = await read()
    await until('there is a heartbeat', () => reader.heartbeats() > 0)
    expect(reader.messages).toHaveLength(1)
  })
})

describe('streams of stats', () => {
  it('end with their token within seconds, while those of other tokens go on', async () => {
    const world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    try {
      const tokens = [await makeToken(world.sql, 'one'), await makeToken(world.sql, 'other')] as const
      const open = (token: string) => readStats({ url: world.url }, '', { authorization: `Bearer ${token}` })
      const [revoked, kept] = [await open(tokens[0]), await open(tokens[1])]
      await world.sql`update jobs_api_tokens set revoked_at = now() where name = 'one'`
      await revoked.ended
      await world.jobs(1, { status: 'queued' })
      await until('the other reader is told', () => kept.groups().size === 1)
      kept.stop()
    } finally {
      await world.stop()
    }
  })

  it('end when the database fails, and begin again when it answers', async () => {
    const world = await openWorld('postgres')
    try {
      const reader = await readStats(world)
      await world.sql`alter table job_queue_controls rename to elsewhere`
      await reader.ended
      expect(world.log.some((line) => line.includes('a stream of stats ended'))).toBe(true)
      await world.sql`alter table elsewhere rename to job_queue_controls`
      ;(await readStats(world)).stop()
    } finally {
      await world.stop()
    }
  })

  it('disconnect a reader that takes nothing, and keep no messages for it', async () => {
    const world = await openWorld('postgres')
    try {
      // Messages of four megabytes: the buffers of the operating system are full after a few of them.
      await world.sql`
        insert into jobs (domain, queue, job_type, status)
        select 'chatbooks', repeat('x', 10000) || n, 'export', 'queued' from generate_series(1, 400) as n`
      const { hostname, port } = new URL(world.url)
      const ended = () => world.log.filter((line) => line.includes('a stream of stats ended')).length
      let isGone = false
      const open = () => {
        const socket = connect({ host: hostname, port: Number(port) })
        socket.on('error', () => {
          isGone = true
        })
        socket.write(`GET ${statsStreamPath} HTTP/1.1\r\nHost: x\r\nX-API-KEY: ${world.key}\r\n\r\n`)
        return { socket, endedBefore: ended() }
      }
      let reader = open()
      let changedAt = Number.NEGATIVE_INFINITY
      await until(
        'the reader is disconnected',
        async () => {
          // A read that takes longer than its limit ends the stream, and the empty lines below would keep its connection open.
          if (ended() > reader.endedBefore) {
            reader.socket.destroy()
            reader = open()
          }
          // Once a second, as the stream sends: more updates would only make each read of the counts slower.
          if (performance.now() - changedAt > 1000) {
            await world.sql`update jobs set status = case status when 'queued' then 'processing' else 'queued' end`
            changedAt = performance.now()
          }
          reader.socket.write('\r\n') // an empty line before a request, which a server that is gone answers with a reset
          return isGone
        },
        300_000,
      )
    } finally {
      await world.stop()
    }
  }, 330_000)

  it('share their reads, however many readers there are', async () => {
    const world = await openWorld('postgres')
    try {
      const readers = await Promise.all(Array.from({ length: 40 }, () => readStats(world)))
      await world.jobs(1, { status: 'queued' })
      await until('all readers are told', () => readers.every((reader) => reader.groups().size === 1))
      expect(new Set(readers.map((reader) => reader.messages.at(-1)?.frame.as_of)).size).toBe(1)
      for (const reader of readers) reader.stop()
    } finally {
      await world.stop()
    }
  })
})

describe.each(kinds)('a stream of stats on %s', (kind) => {
  it('ends when the server stops, and does not hold it up', async () => {
    const { env } = await newDatabase(kind)
    const server = await spawnServer({ ...env, ...longShutdown, SINGLE_USER_API_KEY: 'k' })
    try {
      await until('the server is ready', () => server.output.out.includes('"ready"'))
      const reader = await readStats({ url: server.url, key: 'k' })
      expect(await server.stop()).toMatchObject({ code: 0, err: '' })
      await reader.ended
    } finally {
      await server.kill()
    }
  })
})
