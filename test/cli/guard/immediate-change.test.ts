import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import { startJobsctl } from '../../support/programs/jobsctl.ts'
import { wordsOf } from '../../support/programs/shell.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(['postgres'] as const)('queues, events and enqueue at a real server on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  /** The columns of TSV, line by line. */
  const cells = (out: string) =>
    out
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'))

  it('an unknown queue is stopped only with --create', async () => {
    const { code, out, err } = await world.jobsctl(['pause', 'media/unseen'])
    expect({ code, out }).toEqual({ code: 5, out: '' })
    expect(err).toContain('error: no job is in the queue media/unseen; nothing was changed\n  hint: ')
    expect(err).toContain('--create')
    expect(await world.jobsctl(['queues'])).toEqual({ code: 0, out: '', err: '' })
  })

  it('a queue is stopped, listed with the reason, and started again by the command that was printed', async () => {
    const pause = await world.jobsctl(['pause', 'media/ingest', '--create', '--reason', 'disk full ü'])
    const drain = await world.jobsctl(['drain', 'mail/default', '--create', '--json'])
    expect(JSON.parse(drain.out)).toMatchObject({ operation: 'drain', paused: true, drain: true })

    const listed = cells((await world.jobsctl(['queues'])).out)
    expect(listed).toMatchObject([
      ['mail', 'default', 'draining', expect.any(String), expect.stringMatching(/^jobsctl by /)],
      ['media', 'ingest', 'paused', expect.stringMatching(/^\d{4}-.+Z$/), 'disk full ü'],
    ])

    const [, ...undo] = await wordsOf(pause.out.trim().split('Undo:')[1] ?? '')
    expect(await world.jobsctl(undo)).toEqual({
      code: 0,
      out: 'Resumed media/ingest.   Undo:  jobsctl pause media/ingest\n',
      err: '',
    })
    expect(cells((await world.jobsctl(['queues'])).out)).toHaveLength(1)

    const logged = cells((await world.jobsctl(['events', '--queue', 'ingest'])).out)
    const events = logged.filter(([, , type]) => type !== 'operation.sealed')
    expect(events.map(([, , type, domain, queue]) => [type, domain, queue])).toEqual([
      ['queue.paused', 'media', 'ingest'],
      ['queue.resumed', 'media', 'ingest'],
    ])
    expect(JSON.parse(events[0]?.[7] ?? '')).toMatchObject({ reason: 'disk full ü' })
  })

  it('a job is enqueued once under its key', async () => {
    const argv = ['enqueue', 'chatbooks/default', '--job-type', 'export', '--payload', '{"book":7}', '--delay', '1h']
    const [first, again] = [
      await world.jobsctl([...argv, '--idempotency-key', 'k']),
      await world.jobsctl([...argv, '--idempotency-key', 'k']),
    ]
    const rows = await world.rows()
    expect(rows).toMatchObject([{ domain: 'chatbooks', job_type: 'export', payload: { book: 7 }, status: 'queued' }])
    expect(first).toEqual({ code: 0, out: `Enqueued job ${rows[0]?.id} in chatbooks/default (export).\n`, err: '' })
    expect(again.out).toBe(`Job ${rows[0]?.id} already has this key and is queued; nothing was enqueued.\n`)
  })

  it('events: the last ones, those since a time or after an id, and those that come', async () => {
    const enqueue = (n: number) =>
      world.post('/api/v1/jobs/batch', {
        jobs: Array.from({ length: n }, () => ({ domain: 'chatbooks', job_type: 'export', payload: {} })),
      })
    const stored = async () => {
      const rows = await world.sql<{ id: number }[]>`select id from job_events order by id`
      return rows.map(({ id }) => Number(id))
    }
    await enqueue(70)
    const ids = await stored()
    const shown = async (...argv: string[]) =>
      cells((await world.jobsctl(['events', ...argv])).out).map(([id]) => Number(id))

    expect(await shown()).toEqual(ids.slice(-50))
    expect(await shown('--limit', '3', '--domain', 'chatbooks')).toEqual(ids.slice(-3))
    expect(await shown('--since', '1h')).toEqual(ids)
    expect(await shown('--after', String(ids[66]))).toEqual(ids.slice(-3))
    expect(await shown('--domain', 'media')).toEqual([])
    const begun = ['events', '--after', String(ids[0]), '--domain', 'chatbooks']
    const { err } = await world.jobsctl([...begun, '--limit', '3'])
    expect(err).toBe(
      `note: the first 3 events; more follow: jobsctl events --after ${ids[3]} --domain chatbooks --limit 3\n`,
    )
    for (const limit of ['69', '70'])
      expect(await world.jobsctl([...begun, '--limit', limit])).toMatchObject({ err: '' })

    const env = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }
    const child = await startJobsctl(['events', '--follow'], { env })
    await until('it has begun', () => cells(child.output.out).length === 10)
    await enqueue(5)
    await until('the new ones are there', () => cells(child.output.out).length === 15)
    child.process.kill('SIGINT')
    expect((await child.ended).code).toBe(130)
    expect(cells(child.output.out).map(([id]) => Number(id))).toEqual((await stored()).slice(-15))
  })
})
