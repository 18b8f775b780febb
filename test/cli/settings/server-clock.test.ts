import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { changesOf, isChange, recordOf, runAt } from '../../support/fakes/change-server.ts'
import { type FakeRequest, fakeServer, jobsAnswer } from '../../support/fakes/fake-server.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const hour = 3_600_000

const dateAhead = (ms: number) => ({ date: new Date(Date.now() + ms).toUTCString() })

/** Starts a server with a clock that is `ms` milliseconds ahead. `run` runs jobsctl against it. */
async function serverAhead(ms: number, bodyOf: (path: string) => object) {
  const server = await fakeServer(({ path }) => ({
    headers: { 'x-complete': 'true', ...dateAhead(ms) },
    ...bodyOf(path),
  }))
  const run = (...argv: string[]) => runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
  /** How long before the now of the server a time is, in hours. */
  const hoursBefore = (time: unknown) => Math.round((Date.now() + ms - Date.parse(String(time))) / (hour / 100)) / 100
  return { server, run, hoursBefore }
}

const lists = (requests: readonly FakeRequest[]) => requests.filter(({ path }) => path.includes('/list'))

describe('a time that counts from now', () => {
  it('goes by the clock of the database where that of the server is wrong', async () => {
    const databaseIsRight = (path: string) => ({ body: path.endsWith('/overview') ? { as_of: new Date() } : [] })
    const { server, run, hoursBefore } = await serverAhead(3 * hour, databaseIsRight)
    const { err } = await run('list', '--domain', 'd', '--ended-after', '1h')
    const sent = lists(server.requests).map(({ path }) => new URL(path, server.url).searchParams.get('ended_after'))
    expect(sent.map(hoursBefore)).toEqual([4, 4])
    expect(err).not.toContain('clock')
  })

  it.each([
    [3 * hour, '3h behind that of the database', {}],
    [-3 * hour, '3h ahead of that of the database', {}],
    [3 * hour, '3h behind that of the server', { status: 403, body: { detail: 'not for this token' } }],
  ])('goes by a clock that is %i ms ahead: this machine is %s', async (ms, where, overview) => {
    const asOf = () => ({ as_of: new Date(Date.now() + ms) })
    const bodyOf = (path: string) => (path.endsWith('/overview') ? { body: asOf(), ...overview } : { body: [] })
    const { server, run, hoursBefore } = await serverAhead(ms, bodyOf)
    const { code, err } = await run('list', '--domain', 'd', '--ended-after', '1h')
    const sent = lists(server.requests).map(({ path }) => new URL(path, server.url).searchParams.get('ended_after'))
    expect(sent.map(hoursBefore)).toEqual([1 + ms / hour, 1])
    expect(code).toBe(0)
    expect(err).toContain(`note: the clock of this machine is ${where}, by which times are taken\n`)
  })

  it('counts the time of a slow answer by half', async () => {
    const lags: number[] = []
    const server = await fakeServer(async ({ path }) => {
      const headers = { 'x-complete': 'true', ...dateAhead(3 * hour) }
      const after = Date.parse(new URL(path, 'http://host').searchParams.get('ended_after') ?? '')
      lags.push(Date.now() + 2 * hour - after)
      if (!path.endsWith('/overview')) return { headers, body: [] }
      await sleep(500)
      const as_of = new Date(Date.now() + 3 * hour)
      await sleep(500)
      return { headers, body: { as_of } }
    })
    await runAt(server, ['list', '--domain', 'd', '--ended-after', '1h'])
    expect(lags).toHaveLength(3)
    expect(Math.abs(lags[2] ?? hour)).toBeLessThan(250)
  })

  it('is one in a change, too: the preview is made again, and the change once', async () => {
    const { server, run, hoursBefore } = await serverAhead(-2 * hour, () => jobsAnswer(3))
    expect(await run('retry', '--domain', 'd', '--ended-after', '1h', '--yes')).toMatchObject({ code: 0 })
    const bodies = server.requests.filter(({ method }) => method === 'POST').map(({ body }) => Object(body))
    expect(bodies.map(({ dry_run }) => dry_run)).toEqual([true, true, false])
    expect(bodies.map(({ ended_after }) => hoursBefore(ended_after))).toEqual([-1, 1, 1])
  })

  it.each([
    ['by clocks that agree', 10_000, '1h'],
    ['that does not count from now', 3 * hour, '2026-01-31T12:00:00Z'],
  ])('%s is sent once', async (_what, ms, time) => {
    const { server, run } = await serverAhead(ms, () => ({ body: [] }))
    const { err } = await run('list', '--domain', 'd', '--ended-after', time)
    expect(server.requests).toHaveLength(1)
    expect(err).not.toContain('clock')
  })

  it('is not read again once canary jobs were changed, by whichever server the operation is shown', async () => {
    const isPost = ({ method }: FakeRequest) => method === 'POST'
    const canaries = { affected: 1, operation_id: 17, rest_token: 'the rest' }
    const server = await fakeServer((request) => {
      if (!isPost(request))
        return { body: recordOf({ kind: 'retry', now: { completed: 1 } }), headers: dateAhead(hour) }
      return isChange(request) ? { body: canaries } : jobsAnswer(3)
    })
    const { code, err } = await runAt(server, [
      'retry',
      '--domain',
      'd',
      '--ended-after',
      '1h',
      '--canary',
      '1',
      '--yes',
    ])
    expect([code, err]).toEqual([0, expect.not.stringContaining('clock')])
    const shown = changesOf(server).map(({ body }) => Object(body).preview_token)
    expect(shown).toEqual(['token-of-3', 'the rest'])
  })

  it('is not read again once a page was printed', async () => {
    const job = {
      ...{ uuid: 'u', domain: 'd', queue: 'q', job_type: 't', status: 'failed', priority: 5, retry_count: 0 },
      ...{ max_retries: 3, available_at: null, created_at: null, acquired_at: null, started_at: null },
      ...{ leased_until: null, completed_at: null },
    }
    const next = { link: '<?cursor=b>; rel="next"' }
    const server = await fakeServer(({ path }, nth) => ({
      body: [{ ...job, id: nth }],
      headers: { 'x-complete': 'true', ...(path.includes('cursor') ? dateAhead(hour) : next) },
    }))
    const { out, err } = await runAt(server, ['list', '--domain', 'd', '--all-pages', '--ids', '--ended-after', '1h'])
    expect([out, err]).toEqual(['1\n2\n', ''])
  })

  it('is compared with the first answer of a server, not with an error page without a Date', async () => {
    const away = { status: 503, body: { detail: 'away' }, headers: { 'x-complete': 'true', date: '' } }
    let tries = 0
    const { server, run } = await serverAhead(3 * hour, () => (tries++ === 0 ? away : { body: [] }))
    const { err } = await run('list', '--domain', 'd', '--ended-after', '1h')
    expect([lists(server.requests).length, err]).toEqual([3, expect.stringContaining('note: the clock')])
  })
})
