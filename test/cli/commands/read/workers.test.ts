import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ago } from '../../../support/database/job-row.ts'
import { envOf, runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

const row = {
  ...{
    worker_id: 'w\u001b[2J',
    leases: 1200,
    expired: 2,
    oldest_lease_at: '2026-01-02T03:04:05Z',
    last_asked_at: null,
  },
  ...{ last_acquired_at: '2026-01-02T03:04:05Z', last_renewed_at: null, done_15m: 7, failed_15m: 0 },
  queues: ['a', 'b', 'c', 'd'].map((queue) => ({ domain: 'd', queue })),
}

describe('workers', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.jobs(2, { status: 'processing', worker_id: 'a', queue: 'high' })
    await world.jobs(1, { status: 'processing', worker_id: 'b', leased_until: ago(60) })
  })
  afterAll(() => world?.stop())

  it('prints a row for each worker in TSV, and the answer of the server in JSON', async () => {
    const { code, out, err } = await world.jobsctl(['workers'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
    expect(rows.map(([name, leases, expired]) => [name, leases, expired])).toEqual([
      ['a', '2', '0'],
      ['b', '1', '1'],
    ])
    expect(rows[0]?.[3]).toMatch(/^\d{4}-.*\.\d{3}Z$/)
    expect(rows[0]?.[9]).toBe('chatbooks/high')
    expect((await world.jobsctl(['workers', '--queue', 'high'])).out.split('\n')).toHaveLength(2)
    expect(JSON.parse((await world.jobsctl(['workers', '--domain', 'chatbooks', '--json'])).out)).toHaveLength(2)
    expect(await world.jobsctl(['workers', '--domain', 'nowhere'])).toEqual({ code: 0, out: '', err: '' })
  })

  it('is a table at a terminal, and says how to look at leases that are over', async () => {
    const server = await fakeServer(() => ({ body: [row], headers: { 'X-Complete': 'false' } }))
    const { screen } = await atTerminal(['workers', '--domain', 'd'], { env: envOf(server), columns: 130 })
    expect(screen).toMatch(/^WORKER +LEASES +EXPIRED +OLDEST +ASKED +ACQUIRED +RENEWED +DONE +FAILED +QUEUES\n/)
    expect(screen).toMatch(/\nw\\x1b\[2J +1,200 +2 +\d+d ago +- +\d+d ago +- +7 +0 +d\/a, d\/b, d\/c and 1 more\n/)
    expect(screen).toContain('note: the server stopped at 50,000 jobs or 1,000 workers')
    expect(screen).toContain('2 jobs with an expired lease: jobsctl list --stale --domain d\n')
    const narrow = (await atTerminal(['workers'], { env: envOf(server), columns: 80 })).screen.split('\n')
    for (const line of narrow.slice(0, 2)) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('refuses what it does not take, and says of the other server that it has no such call', async () => {
    for (const words of [['--job-type', 't'], ['--domain', ' '], ['x']])
      expect(await world.jobsctl(['workers', ...words])).toMatchObject({ code: 2, out: '' })
    const detail = [{ loc: ['path', 'job_id'], msg: 'Input should be a valid integer' }]
    const other = await fakeServer(() => ({ status: 422, body: { detail } }))
    expect(await runAt(other, ['workers'])).toMatchObject({
      code: 5,
      err: expect.stringContaining(`${other.url} has no GET /api/v1/jobs/workers`),
    })
  })

  it.each([
    [[], 'narrow the list with --domain or --queue'],
    [['--queue', 'high'], 'narrow the list with --domain'],
    [['--domain', 'd', '--queue', 'high'], 'there are more than these'],
  ])('says where a server stopped, and which flag of %j would narrow the list', async (flags, end) => {
    const full = await fakeServer(() => ({ body: [row], headers: { 'x-complete': 'false' } }))
    const { code, err } = await runAt(full, ['workers', ...flags])
    expect({ code, err }).toEqual({ code: 0, err: expect.stringMatching(new RegExp(`${end}\\n$`)) })
  })
})
