import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

const expired = '2026-01-01T00:00:00Z'

describe('stale', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.jobs(2, { status: 'processing', leased_until: expired })
    await world.jobs(1, { status: 'processing', domain: 'media', leased_until: null })
  })
  afterAll(() => world?.stop())

  const terminal = (argv: string[]) =>
    atTerminal(argv, { env: { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }, columns: 100 })

  it('is TSV in a pipe, and the answer of the server with --json', async () => {
    expect(await world.jobsctl(['stale'])).toEqual({
      code: 0,
      out: 'chatbooks\tdefault\t2\t2026-01-01T00:00:00.000Z\t\nmedia\tdefault\t1\t\t\n',
      err: '',
    })
    const { out } = await world.jobsctl(['stale', '--domain', 'chatbooks', '--json'])
    expect(JSON.parse(out)).toEqual([{ domain: 'chatbooks', queue: 'default', count: 2, oldest: expired }])
  })

  it('is a table at a terminal, with the command that lists the jobs', async () => {
    const { code, screen } = await terminal(['stale'])
    expect(code).toBe(0)
    expect(screen).toMatch(/^QUEUE +JOBS +EXPIRED/)
    expect(screen).toMatch(/chatbooks\/default +2 +\d+d ago/)
    expect(screen).toMatch(/media\/default +1 +no end/)
    expect(screen).toContain('3 jobs with an expired lease: jobsctl list --stale')
    const narrowed = await terminal(['stale', '--domain', 'media'])
    expect(narrowed.screen).toContain('1 job with an expired lease: jobsctl list --stale --domain media')
  })

  it('prints nothing in a pipe where no lease has expired, and a sentence at a terminal', async () => {
    expect(await world.jobsctl(['stale', '--queue', 'none'])).toEqual({ code: 0, out: '', err: '' })
    const { code, screen } = await terminal(['stale', '--domain', 'chatbook'])
    expect(code).toBe(0)
    expect(screen).toContain('no lease in chatbook has expired')
    expect(screen).toContain('did you mean --domain chatbooks?')
  })

  it('prints its call with --curl, and refuses a blank scope', async () => {
    const { out } = await world.jobsctl(['stale', '--domain', 'a b', '--curl'])
    expect(out).toContain('"$BASE/api/v1/jobs/stale?domain=a+b"')
    expect(await world.jobsctl(['stale', '--domain', ' '])).toMatchObject({ code: 2 })
  })

  it('takes the answer of the other server, and says where a server stopped', async () => {
    const other = await fakeServer(() => ({ body: [{ domain: 'd', queue: 'q\u001b[31m', count: 7 }] }))
    expect(await runAt(other, ['stale'])).toMatchObject({ code: 0, out: 'd\tq\\x1b[31m\t7\t\t\n' })
    const bounded = await fakeServer(() => ({
      ...{ body: [{ domain: 'd', queue: 'q', count: 50_000, at_least: true }], headers: { 'x-complete': 'false' } },
    }))
    const table = await runAt(bounded, ['stale', '-o', 'table'])
    expect(table.out).toMatch(/d\/q +at least 50,000/)
    expect(table.err).toContain('at least 50,000 jobs with an expired lease')
    expect((await runAt(bounded, ['stale'])).out).toBe('d\tq\t50000\t\ttrue\n')
    const full = await fakeServer(() => ({ body: [], headers: { 'x-complete': 'false', 'x-scanned': '50000' } }))
    const run = await runAt(full, ['stale'])
    expect(run).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringContaining('read 50,000 expired leases and stopped'),
    })
  })
})
