import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucketBounds } from '../../../../server/history/buckets.ts'
import { envOf } from '../../../support/fakes/change-server.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { untilKept } from '../../../support/observe/history.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

const took = (jobs: number, bucket: number) => ({
  jobs,
  seconds: 1.5 * jobs,
  buckets: [...bucketBounds, 0].map((_, at) => (at === bucket ? jobs : 0)),
})
const point = (at: string, completed: number, failed: number) => ({
  ...{ at, created: 1200, acquired: completed + failed, completed, failed },
  ...{ quarantined: 0, cancelled: 0, returned: 3, revived: 0, restored: 0, other: 0 },
  ...{ wait: took(completed, 0), run: took(completed, 14) },
})
const answer = {
  ...{ kept: false, why: 'history is off\u001b[2J', since: '2026-01-01T00:30:00Z', step_seconds: 3600 },
  ...{ from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T02:00:00.000Z', bounds: [...bucketBounds] },
  gaps: [{ from: '2026-01-01T01:10:00Z', to: '2026-01-01T01:20:00Z' }],
  marks: [{ id: 1, text: 'deploy 4711', at: '2026-01-01T01:05:00Z', caller: 'c' }],
  points: [point('2026-01-01T00:00:00.000Z', 10, 10), point('2026-01-01T01:00:00.000Z', 5, 0)],
}

describe('history and mark', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await untilKept(world)
    await world.sql`insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued')`
  })
  afterAll(() => world?.stop())

  it('prints a row for each step in TSV, and the answer of the server in JSON', async () => {
    const { code, out, err } = await world.jobsctl(['history', '--domain', 'd', '--since', '2h', '--step', '1h'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const rows = out.slice(0, -1).split('\n')
    expect(rows.length).toBeGreaterThanOrEqual(2)
    for (const row of rows) expect(row.split('\t')).toHaveLength(16)
    expect(rows.reduce((sum, row) => sum + Number(row.split('\t')[1]), 0)).toBe(1)
    const { points } = JSON.parse((await world.jobsctl(['history', '--json', '--domain', 'nowhere'])).out)
    expect(points[0]).toMatchObject({ created: 0 })
  })

  it('names the flag of a step that it does not take', async () => {
    expect(await world.jobsctl(['history', '--step', '7m'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^error: --step: must be one of 1m, 5m/),
    })
  })

  it.each([
    [['--since', '1y'], '--since: must be a time such as'],
    [['--until', '2026-02-30'], '--until: must be a time such as'],
    [['--since', '1h', '--until', '2h'], 'the range is empty: --since 2'],
    [
      ['--since', '30d', '--step', '1m'],
      'history by the minute is kept for 7 days\n  hint: ask for a shorter range, or',
    ],
    [['--since', '3000d', '--step', '1d'], 'at most 2000 are answered\n  hint: ask for a shorter range\n'],
  ])('names the flags of %j, which it refuses', async (words, why) => {
    const { code, err } = await world.jobsctl(['history', ...words])
    expect(code).toBe(2)
    expect(err).toContain(why)
  })

  it('answers the whole term of the minutes, although the clock goes on between the flag and the server', async () => {
    const { code, out, err } = await world.jobsctl(['history', '--since', '7d', '--step', '15m'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n').length).toBeGreaterThan(670)
  })

  it('is a table with bars at a terminal, with the marks, and with what is not counted', async () => {
    const server = await fakeServer(() => ({ body: answer }))
    const { screen } = await atTerminal(['history'], { env: envOf(server), columns: 140 })
    expect(screen).toMatch(/^AT \(UTC\) +CREATED +ACQUIRED +COMPLETED +FAILED +.*WAITED +RAN +ENDED +MARKS\n/)
    expect(screen).toMatch(/\n2026-01-01 00:00 +1,200 +20 +10 +10 .* 100ms +>1d +#{10}-{10}\n/)
    expect(screen).toMatch(/\n2026-01-01 01:00 +1,200 +5 +5 +0 .* #{5} +deploy 4711\n/)
    expect(screen).toContain('note: not every transition is counted now: history is off\\x1b[2J')
    expect(screen).toContain('note: history began at 2026-01-01 00:30:00 UTC')
    expect(screen).toContain('note: nothing was counted from 2026-01-01 01:10:00 UTC to 2026-01-01 01:20:00 UTC')
    const narrow = (await atTerminal(['history'], { env: envOf(server), columns: 90 })).screen.split('\n')
    for (const line of narrow.slice(0, 3)) expect(line.length).toBeLessThanOrEqual(90)
  })

  it('says to programs, too, what was not read, since its rows have zeros', async () => {
    const not_read = { from: '2026-01-01T00:00:00Z', to: '2026-01-01T01:00:00Z' }
    const server = await fakeServer(() => ({ body: { ...answer, of_jobs: { not_told: ['created'], not_read } } }))
    const { code, out, err } = await runJobsctl(['history', '--tsv'], { env: envOf(server) })
    expect({ code, lines: out.trimEnd().split('\n').length }).toEqual({ code: 0, lines: 2 })
    expect(err).toMatch(/^note: from 2026-01-01 00:00:00 UTC to 2026-01-01 01:00:00 UTC nothing was read: .*\n$/)
  })

  it('marks a moment, from which history and clusters go on', async () => {
    const { code, out } = await world.jobsctl(['mark', 'deploy "4711"', '--output', 'table'])
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(
        /^Marked .* UTC: deploy "4711"\. Failures since then: {2}jobsctl clusters --since 'mark:deploy "4711"'/,
      ),
    })
    const since = ['--since', 'mark:deploy "4711"']
    // One grammar of times: each flag of a past time takes a mark, a day, a time and a duration.
    const day = new Date(Date.now() - 2 * 86_400_000).toISOString()
    for (const time of [since[1] ?? '', day.slice(0, 10), day, '1h', '90'])
      for (const name of ['history', 'clusters', 'events', 'operations'])
        expect(await world.jobsctl([name, '--since', time]), `${name} --since ${time}`).toMatchObject({ code: 0 })
    const { marks } = JSON.parse((await world.jobsctl(['history', '--json', '--step', '1m', ...since])).out)
    expect(marks).toMatchObject([{ text: 'deploy "4711"', caller: 'single-user' }])
    expect((await world.jobsctl(['history', '--step', '1m', ...since])).out).toContain('\tdeploy "4711"\n')
    await world.jobs(1, { status: 'failed', days: 0 })
    await world.jobs(1, { status: 'failed', days: 3 })
    const { clusters } = JSON.parse((await world.jobsctl(['clusters', '--json', ...since])).out)
    expect(clusters).toMatchObject([{ count: 1 }])
  })

  it.each([
    [['history', '--since', 'mark:nothing'], 5, 'no mark has the text "nothing"'],
    [['history', '--since', 'mark:'], 2, 'needs the text of a mark'],
    [['history', '--since', ' '], 2, '--since: must not be blank'],
    [['history', '--step', '2m'], 2, 'must be one of 1m'],
    [['history', '--since', '30d', '--step', '1m'], 2, 'kept for 7 days'],
    [['history', 'x'], 2, 'x'],
    [['mark'], 2, 'text'],
    [['mark', 'x'.repeat(201)], 2, 'at most 200 characters'],
    [['clusters', '--since', 'mark:nothing'], 5, 'no mark has the text'],
  ])('refuses %j', async (words, code, why) => {
    const ended = await world.jobsctl(words)
    expect(ended).toMatchObject({ code, out: '' })
    expect(ended.err).toContain(why)
  })
})
