import { describe, expect, it } from 'vitest'
import { type FakeRequest, fakeServer, jobsAnswer } from '../../support/fakes/fake-server.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const hour = 3_600_000

/** A server whose clock is so many milliseconds ahead, and a command line at it. */
async function serverAhead(ms: number, bodyOf: (path: string) => object) {
  const server = await fakeServer(({ path }) => ({
    ...bodyOf(path),
    headers: { date: new Date(Date.now() + ms).toUTCString() },
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
    [3 * hour, '3h behind'],
    [-3 * hour, '3h ahead of'],
  ])('is one by the clock of the server, which is %i ms ahead', async (ms, where) => {
    const { server, run, hoursBefore } = await serverAhead(ms, () => ({ body: [] }))
    const { code, err } = await run('list', '--domain', 'd', '--ended-after', '1h')
    const sent = lists(server.requests).map(({ path }) => new URL(path, server.url).searchParams.get('ended_after'))
    expect(sent.map(hoursBefore)).toEqual([1 + ms / hour, 1])
    expect(code).toBe(0)
    expect(err).toContain(
      `note: the clock of this machine is ${where} that of the database, by which times are taken\n`,
    )
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
})
