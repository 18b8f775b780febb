import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runAt } from '../../../support/fakes/change-server.ts'
import { deadServer, fakeServer } from '../../../support/fakes/fake-server.ts'
import { until } from '../../../support/poll.ts'
import { startJobsctl } from '../../../support/programs/jobsctl.ts'
import { startAtTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

const listed = (id: number, status: string, more: object = {}) => ({
  ...{ id, uuid: `u${id}`, domain: 'd', queue: 'q', job_type: 't', status, priority: 5, retry_count: 0 },
  ...{ max_retries: 3, available_at: null, created_at: null, acquired_at: null, started_at: null },
  ...{ leased_until: null, completed_at: null, ...more },
})

/** A server on which the jobs 5 and 6 have these states, look after look; the last ones stay. */
const statesServer = (...looks: string[][]) =>
  fakeServer((_request, nth) => ({
    body: (looks[nth - 1] ?? looks.at(-1) ?? []).map((status, at) => listed(5 + at, status)),
  }))

describe('wait for jobs', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())

  const end = (id: number | undefined, status: string) =>
    world.sql`update jobs set status = ${status}, completed_at = now(), error_code = 'timeout' where id = ${id ?? 0}`

  it('ends when the job is as it is waited for, and says nothing in a pipe', async () => {
    const [id] = await world.jobs(1, { status: 'queued' })
    const waiting = world.jobsctl(['wait', String(id)])
    await end(id, 'completed')
    expect(await waiting).toEqual({ code: 0, out: '', err: '' })
    expect(await world.jobsctl(['wait', String(id), '--json'])).toEqual({
      ...{ code: 0, err: '' },
      out: '{"for":"completed","reached":true,"count":1}\n',
    })
  })

  it('is exit 6 where it has ended otherwise, 7 when the time is over, and 5 where it is not there', async () => {
    const [failed, queued] = await world.jobs(2, { status: 'queued' })
    await end(failed, 'failed')
    const wait = (...words: string[]) => world.jobsctl(['wait', ...words])
    expect(await wait(String(failed))).toEqual({
      ...{ code: 6, out: '' },
      err: expect.stringContaining(
        `job ${failed} is failed (timeout), and not completed\n  hint: jobsctl show ${failed}\n`,
      ),
    })
    expect(await wait(String(failed), '--domain', 'chatbooks')).toMatchObject({
      err: expect.stringContaining(`hint: jobsctl show ${failed} --domain chatbooks\n`),
    })
    expect(await wait(String(failed), '--for', 'ended')).toMatchObject({ code: 0 })
    expect(await wait(String(queued), '--timeout', '1s')).toMatchObject({
      ...{ code: 7, out: '' },
      err: expect.stringMatching(
        new RegExp(
          `job ${queued} is queued, and not completed after 1 s\n  hint: to wait on: jobsctl wait ${queued}; --timeout `,
        ),
      ),
    })
    const gone = randomUUID()
    expect(await wait(gone)).toMatchObject({ code: 5, err: expect.stringContaining(`there is no job ${gone}`) })
    expect(await wait(String(queued), '--domain', 'elsewhere')).toMatchObject({ code: 5 })
  })

  it('takes uuids, a file of ids, and jobs of the archive', async () => {
    const uuid = randomUUID()
    const [id] = await world.jobs(1, { status: 'completed', uuid, completed_at: '2020-01-01T00:00:00Z' })
    const [other] = await world.jobs(1, { status: 'completed' })
    expect(await world.jobsctl(['wait', uuid.toUpperCase()])).toMatchObject({ code: 0 })
    const stdin = `${id}\n${uuid}\n${other}\n`
    expect(await world.jobsctl(['wait', '--ids-file', '-', '--json'], { stdin })).toMatchObject({
      out: '{"for":"completed","reached":true,"count":3}\n',
    })
    expect(await world.jobsctl(['prune', '--all', '--older-than', '30d', '--yes'])).toMatchObject({ code: 0 })
    expect(await world.jobsctl(['wait', uuid])).toEqual({ code: 0, out: '', err: '' })
    expect(await world.jobsctl(['wait', String(id), '--for', 'failed'])).toMatchObject({
      code: 6,
      err: expect.stringContaining(`job ${id} is completed, and not failed`),
    })
  })

  it('says to a person that no job matches, whatever the filter names, and with --must-exist that the scope is unknown', async () => {
    const words = [
      'wait',
      '--domain',
      'nosuch',
      '--job-type',
      't',
      '--batch',
      'nightly-42',
      '--owner',
      'o',
      '-o',
      'table',
    ]
    const { code, err } = await world.jobsctl(words)
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('no job matches in nosuch') })
    expect(err).not.toContain('bug')
    expect(await world.jobsctl([...words, '--must-exist'])).toMatchObject({ code: 5 })
  })

  it('waits for the jobs of a filter, and not for those that come later', async () => {
    const jobs = await world.jobs(3, { status: 'queued', domain: 'shop', batch_group: 'night' })
    const child = await startJobsctl(['wait', '--batch', 'night', '--timeout', '1m'], {
      env: { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key },
    })
    await end(jobs[0], 'completed')
    await world.sql`update jobs set status = 'completed' where batch_group = 'night'`
    expect(await child.ended).toEqual({ code: 0, out: '', err: '' })
    await world.jobs(1, { status: 'queued', domain: 'shop', batch_group: 'night' })
    await end(jobs[1], 'failed')
    const wait = (...words: string[]) => world.jobsctl(['wait', '--batch', 'night', ...words])
    expect(await wait()).toMatchObject({
      code: 6,
      err: expect.stringContaining(
        `job ${jobs[1]} is failed already, and not completed\n  hint: to wait only for jobs that have not ended: jobsctl wait --all --status queued,processing --batch night --for completed`,
      ),
    })
    expect(await wait('--status', 'completed')).toMatchObject({ code: 0 })
    expect(await wait('--status', 'queued', '--timeout', '1s')).toMatchObject({ code: 7 })
    expect(await world.jobsctl(['wait', '--domain', 'nosuch'])).toEqual({ code: 0, out: '', err: '' })
    expect(await world.jobsctl(['wait', '--domain', 'nosuch', '--must-exist'])).toMatchObject({ code: 5 })
  })
})

describe('wait', () => {
  it.each([
    [[], 'wait needs ids, or a filter'],
    [['5', '--queue', 'q'], 'exclude each other'],
    [['5', '--all'], 'exclude each other'],
    [['5', '--ids-file', 'x'], 'exclude each other'],
    [['5', '--for', 'done'], '--for: must be one of completed, ended'],
    [['5x'], '5x is not a job id'],
    [['5', '--timeout', 'soon'], '--timeout: '],
    [['5', '--curl'], 'wait makes several'],
    [['--domain', 'd', '--status', 'done'], 'must be one of queued'],
    [['5', '--columns', 'id'], 'wait 5 prints no rows'],
  ])('refuses %j before any call', async (words, text) => {
    const server = await fakeServer(() => ({ body: [] }))
    const { code, err } = await runAt(server, ['wait', ...words])
    expect([code, err, server.requests]).toEqual([2, expect.stringContaining(text), []])
  })

  it('asks more and more rarely, and for those jobs alone that are not there yet', async () => {
    const server = await statesServer(['queued', 'completed'], ['queued'], ['processing'], ['completed'])
    const begin = performance.now()
    expect(await runAt(server, ['wait', '5', '6'])).toMatchObject({ code: 0 })
    expect(performance.now() - begin).toBeGreaterThan(1000)
    const asked = server.requests.map(({ path }) => new URL(path, 'http://s').searchParams.get('ids'))
    expect(asked).toEqual(['5,6', '5', '5', '5'])
  })

  it('goes on while the server is away, and fails at once where it was never there', async () => {
    let away = 0
    const server = await fakeServer((_request, nth) => {
      if (nth === 1) return { body: [listed(5, 'queued')] }
      away += 1
      return away < 4
        ? { status: 503, body: { detail: 'shutting down', code: 'shutting_down' } }
        : { body: [listed(5, 'completed')] }
    })
    const { code, err } = await runAt(server, ['wait', '5', '--retries', '0'])
    expect([code, err]).toEqual([0, 'shutting down; trying again\n'])
    const dead = await deadServer()
    expect(await runAt(dead, ['wait', '5', '--timeout', '1m', '--retries', '0'])).toMatchObject({ code: 7 })
  })

  it('is over in time though the server never answers', async () => {
    const server = await fakeServer((_request, nth) => (nth === 1 ? { body: [listed(5, 'processing')] } : 'silence'))
    const { code, err } = await runAt(server, ['wait', '5', '--timeout', '1s'])
    expect([code, err]).toEqual([7, expect.stringContaining('job 5 is processing, and not completed after 1 s')])
  })

  it('counts a job that a worker had as one that was processing, also where it has ended meanwhile', async () => {
    const had = await fakeServer(() => ({ body: [listed(5, 'completed', { started_at: '2026-01-01T00:00:00Z' })] }))
    expect(await runAt(had, ['wait', '5', '--for', 'processing'])).toMatchObject({ code: 0 })
    const never = await fakeServer(() => ({ body: [listed(5, 'cancelled')] }))
    expect(await runAt(never, ['wait', '5', '--for', 'processing'])).toMatchObject({ code: 6 })
  })

  it('says of a job that is deleted meanwhile how it was seen last, and that its end is not known', async () => {
    const server = await fakeServer(({ path }, nth) => {
      if (nth === 1) return { body: [listed(5, 'processing')] }
      return path.includes('/list') ? { body: [] } : { status: 404, body: { detail: 'no job', code: 'not_found' } }
    })
    expect(await runAt(server, ['wait', '5'])).toEqual({
      ...{ code: 5, out: '' },
      err: expect.stringContaining(
        'job 5 is not there any more, so its end is not known: it was processing when it was',
      ),
    })
  })

  it('reads one job after the other from a server that lists other jobs than were asked for', async () => {
    const server = await fakeServer(({ path }) =>
      path.includes('/list')
        ? { body: [listed(1, 'queued')] }
        : { body: { ...listed(5, 'completed'), archived: false, payload: {}, result: null } },
    )
    expect(await runAt(server, ['wait', '5'])).toMatchObject({ code: 0 })
  })

  it('sends at most 200 ids and 6,000 characters of them at once', async () => {
    const server = await fakeServer(({ path }) => {
      const ids = new URL(path, 'http://s').searchParams.get('ids') ?? ''
      return { body: ids.split(',').map((id) => listed(Number(id) || 1, 'completed', { uuid: id })) }
    })
    const numbers = Array.from({ length: 401 }, (_, at) => String(at + 1))
    const uuids = Array.from({ length: 300 }, () => randomUUID())
    for (const ids of [numbers, uuids])
      expect(await runAt(server, ['wait', '--ids-file', '-'], { stdin: ids.join('\n') })).toMatchObject({ code: 0 })
    expect(server.requests).toHaveLength(3 + 2)
    for (const { path } of server.requests) expect(path.length).toBeLessThan(8000)
  })

  it('takes at most 10,000 ids, as it does of a filter', async () => {
    const server = await statesServer(['completed'])
    const stdin = Array.from({ length: 10_001 }, (_, n) => `${n + 1}\n`).join('')
    expect(await runAt(server, ['wait', '--ids-file', '-'], { stdin })).toMatchObject({
      ...{ code: 2, out: '' },
      err: expect.stringContaining('wait takes at most 10,000 jobs, and 10,001 are named'),
    })
    expect(server.requests).toEqual([])
  })

  it('shows at a terminal what it waits for, and Ctrl-C ends it with 130', async () => {
    const server = await statesServer(['queued', 'processing'])
    const terminal = await startAtTerminal(['wait', '5', '6'], {
      env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' },
    })
    await terminal.sees('waiting: 0 of 2 jobs completed, 1 processing, 1 queued')
    terminal.types('\x03')
    expect((await terminal.ended).code).toBe(130)
    const done = await startAtTerminal(['wait', '5'], {
      env: { JOBSCTL_URL: (await statesServer(['queued'], ['completed'])).url, JOBSCTL_API_KEY: 'key' },
    })
    const { code, screen } = await done.ended
    expect([code, screen]).toEqual([0, expect.stringContaining('job 5 is completed')])
    await until('the server was asked', () => server.requests.length > 0)
  })
})
