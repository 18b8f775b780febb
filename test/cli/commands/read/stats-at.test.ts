import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeDepths } from '../../../../server/background/keep-depths.ts'
import { countsOf } from '../../../support/observe/counts.ts'
import { stopWritingDepths } from '../../../support/observe/depths.ts'
import { until } from '../../../support/poll.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe('stats --at', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await until('the counts are exact', async () => (await countsOf(world)).kept)
    await stopWritingDepths(world.sql)
    await world.sql`insert into jobs (domain, queue, job_type, status) select 'd', 'q', 't', 'queued' from generate_series(1, 3)`
    await until('the depths are written', () => writeDepths(world.sql))
    // A time of a clock has whole seconds: the one of now would be before a moment of the same second.
    await world.sql`update jobsctl_depths set moment = moment - interval '2 seconds'`
    await world.sql`update jobsctl_depth_moments set moment = moment - interval '2 seconds'`
  })
  afterAll(() => world?.stop())

  const newest = async () => {
    const [{ at }] = await world.sql<[{ at: string }]>`select max(moment) as at from jobsctl_depth_moments`
    return new Date(at).toISOString()
  }

  it('prints the counts with their moment in TSV, and the answer in JSON', async () => {
    const { code, out, err } = await world.jobsctl(['stats', '--at', new Date().toISOString()])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toBe(`d\tq\tt\t3\t0\t0\t0\t${await newest()}\t\n`)
    const json = await world.jobsctl(['stats', '--at', new Date().toISOString(), '--json'])
    expect(JSON.parse(json.out)).toMatchObject([{ domain: 'd', queued: 3, as_of: expect.any(String) }])
  })

  it('says at a terminal which moment it is, and why a number is a lower bound', async () => {
    const env = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key, TZ: 'Asia/Kolkata' }
    const { code, screen } = await atTerminal(['stats', '--at', '2h'], { env, columns: 120 })
    expect(code).toBe(0)
    expect(screen).toMatch(/^at .*\d\d:\d\d(:\d\d)? GMT\+5:30 \(.*\d\d:\d\d(:\d\d)?Z\), 2h ago/m)
    expect(screen).toMatch(/note: at least these jobs were there.*the first depths that are kept are of/s)
    expect(screen).toMatch(/d\/q .* at least/)
  })

  it('reads a time of a clock by TZ alone in a pipe, and a mark', async () => {
    const clock = (zone: string) =>
      new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'medium' }).format(Date.now())
    const zone = 'America/St_Johns'
    const { code, out } = await world.jobsctl(['stats', '--at', clock(zone)], { env: { TZ: zone } })
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(await newest()) })
    expect(await world.jobsctl(['stats', '--at', '03:12'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--at: must have its zone, such as 03:12Z'),
    })
    expect((await world.jobsctl(['stats', '--at', `${clock('UTC')}Z`])).code).toBe(0)
    await world.jobsctl(['mark', 'deploy 1'])
    expect((await world.jobsctl(['stats', '--at', 'mark:deploy 1'])).out).toContain(await newest())
    expect(await world.jobsctl(['stats', '--at', 'mark:none'])).toMatchObject({ code: 5 })
  })

  it('refuses --watch, and a time to come', async () => {
    expect(await world.jobsctl(['stats', '--at', '1h', '--watch'])).toMatchObject({ code: 2 })
    const ahead = new Date(Date.now() + 3_600_000).toISOString()
    expect(await world.jobsctl(['stats', '--at', ahead])).toMatchObject({
      code: 2,
      err: expect.stringContaining('is yet to come'),
    })
  })

  it('has the depth in the history, at the end of a row', async () => {
    const { out } = await world.jobsctl(['history', '--depth', '--since', '10m', '--step', '1m', '--domain', 'd'])
    expect(out).toContain(`\t${await newest()}\t3\t0\t0\t0\n`)
  })

  it('explains a queue as it was, and no job', async () => {
    const { code, out } = await world.jobsctl(['explain', 'd/q', '--at', new Date().toISOString(), '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ due: 3, at: expect.any(String), reasons: [] })
    expect(await world.jobsctl(['explain', '8123', '--at', '1s'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--at is for a queue'),
    })
  })
})
