import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ago } from '../../support/database/job-row.ts'
import { changing } from '../../support/replay/changing.ts'
import { ofJobs } from '../../support/replay/of-jobs.ts'
import { ofQueues } from '../../support/replay/of-queues.ts'
import type { Row } from '../../support/replay/row.ts'
import { rules } from '../../support/replay/rules.ts'
import { misfits } from '../../support/replay/shape.ts'
import { readStream } from '../../support/streams/event-reader.ts'
import { openWorld, type World } from '../../support/world.ts'

const rows = [...ofQueues, ...ofJobs, ...changing]

const relationOf = ({ answer }: Row): string =>
  typeof answer === 'string' ? `is ${answer}` : `differs: ${rules[answer.differs]}`

describe('a call of an existing client', () => {
  let world: World
  let running: number
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())

  beforeEach(async () => {
    await world.clear()
    for (const status of ['completed', 'failed', 'cancelled', 'quarantined']) await world.jobs(1, { status })
    await world.jobs(1, { status: 'completed', days: 29 })
    await world.jobs(1, { status: 'queued' })
    await world.jobs(1, { status: 'queued', domain: 'media', available_at: ago(-3600) })
    await world.jobs(1, { status: 'completed', created_at: '2999-01-01T00:00:00Z', days: -1 })
    await world.jobs(1, { status: 'completed', created_at: '2999-01-02T00:00:00Z', days: -1 })
    await world.jobs(110, { status: 'completed', days: 1, queue: 'many' })
    const stale = { queue: 'stale', acquired_at: null, started_at: null, leased_until: null }
    ;[running = 0] = await world.jobs(1, { status: 'processing', completion_token: 'secret', queue: 'running' })
    await world.jobs(2, { status: 'processing', ...stale })
    await world.jobs(1, { status: 'queued', queue: 'stale', job_type: 'import' })
    await world.sql`
      insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json)
      select ${running}::bigint, 'chatbooks', 'default', 'export', 'job.acquired', '[]' from generate_series(1, 250)`
    await world.sql`
      insert into job_attachments (job_id, kind, content_text)
      select ${running}::bigint, 'log', 'x' from generate_series(1, 501)`
    await world.sql`
      insert into jobs_archive (id, domain, queue, job_type, status, payload) values (424242, 'd', 'q', 't', 'failed', '{}')`
    await world.sql`delete from job_sla_policies`
    await world.sql`
      insert into job_sla_policies (domain, queue, job_type, max_queue_latency_seconds)
      values ('chatbooks', 'stale', 'import', 60), ('other', 'stale', 'import', 60)`
  })

  const send = ({ call: [method, path, body], confirmed }: Row) =>
    world.call(method, path.replace(':id', String(running)), body, confirmed ? { 'x-confirm': 'true' } : {})

  it.each(rows.map((row) => [row.route, row.what, relationOf(row), row] as const))(
    'route %i, %s, %s',
    async (_route, _what, _relation, row) => {
      const { answer, shape, body: wanted } = row
      const { status, body } = await send(row)
      const expected = typeof answer === 'string' ? { status: 200 } : answer
      expect({ status, body }).toMatchObject({ status: expected.status })
      if (typeof answer === 'object' && answer.code)
        expect(body).toMatchObject({ code: answer.code, detail: expect.any(String) })
      if (shape !== undefined) expect(misfits(body, shape, answer !== 'same')).toEqual([])
      if (wanted !== undefined) expect(body).toMatchObject(Object(wanted))
    },
  )

  it('is there for each of the 24 routes', () => {
    // The stream of events, route 9, is read below.
    const routes = new Set([9, ...rows.map(({ route }) => route)])
    expect([...routes].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, n) => n + 1))
  })

  it('route 9, the stream, has messages named job with event and attrs, a superset', async () => {
    const reader = await readStream(world)
    try {
      await reader.count(1)
      expect(reader.headers['content-type']).toMatch(/^text\/event-stream/)
      expect(reader.lines).toContain('event: job')
      const data = reader.lines.find((line) => line.startsWith('data: {"event"'))
      expect(misfits(JSON.parse(data?.slice(6) ?? ''), { event: 'string', attrs: 'object' }, true)).toEqual([])
    } finally {
      reader.stop()
    }
  })

  it('without credentials is 401 with a challenge', async () => {
    const { status, headers } = await world.call('GET', '/api/v1/jobs/stats', undefined, { 'x-api-key': '' })
    expect(status).toBe(401)
    expect(headers['www-authenticate']).toBeDefined()
  })
})
