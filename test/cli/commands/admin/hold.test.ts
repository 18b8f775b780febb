import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../../support/database/database.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe.each(kinds)('jobsctl hold on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const hold = (...argv: string[]) => world.jobsctl(['hold', ...argv])
  const prune = (...argv: string[]) => world.jobsctl(['prune', '--domain', 'chatbooks', ...argv])

  it('adds, lists and removes a hold, which a prune passes over and its preview counts', async () => {
    await world.jobs(2, { owner_user_id: 'alice' })
    await world.jobs(3)
    const added = await hold('add', '--owner', 'alice', '--until', '2099-01-31', '--reason', 'case 7')
    expect(added).toMatchObject({ code: 2, err: expect.stringContaining('--until') })
    const until = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10)
    expect(await hold('add', '--owner', 'alice', '--until', until, '--reason', 'case 7')).toEqual({
      code: 0,
      out: `Held jobs in all domains with --owner alice until ${until} 00:00 UTC.   Undo:  jobsctl hold remove 1\n`,
      err: '',
    })
    const [id, end, filter, operation, jobs, undo, caller, reason] = (await hold('list')).out.split('\t')
    expect([id, end, filter]).toEqual(['1', `${until}T00:00:00.000Z`, '{"owner_user_id":"alice"}'])
    expect([operation, jobs, undo, caller, reason]).toEqual(['', '', '', 'single-user', 'case 7'])
    expect((await prune('--dry-run')).out).toBe('would delete 3 jobs in chatbooks; a hold keeps 2 more\n')
    expect(JSON.parse((await prune('--dry-run', '--json')).out)).toMatchObject({
      affected: 3,
      preview: { kept_by_hold: 2 },
    })
    expect((await prune('--yes')).out).toMatch(/^deleted 3 jobs/)
    const kept = 'nothing to do: would delete 0 jobs in chatbooks; a hold keeps 2 more'
    expect(await prune('--yes')).toEqual({ code: 0, out: '', err: `${kept}\n` })
    expect((await prune()).err).toContain(kept)
    expect((await hold('remove', '1')).out).toMatch(/^Ended hold 1 over jobs in all domains with --owner alice, which/)
    expect(await hold('remove', '1')).toMatchObject({
      code: 5,
      err: expect.stringContaining('no hold 1, or it has ended'),
    })
    expect(await hold('list')).toEqual({ code: 0, out: '', err: '' })
    expect((await prune('--yes')).out).toMatch(/^deleted 2 jobs/)
  })

  it('lists all holds, also where undos have added more than one answer has', async () => {
    await world.sql`
      insert into jobsctl_holds (jobs, undo_id, until, caller)
      select 1, n, now() + interval '1 day', 'tester' from generate_series(1, 1001) as n`
    expect((await hold('list')).out.trimEnd().split('\n')).toHaveLength(1001)
    expect(JSON.parse((await hold('list', '--json')).out)).toHaveLength(1001)
    await world.sql`delete from jobsctl_holds`
  })

  it('with --all and a filter is over the filter in every domain, and says what a caller may not see', async () => {
    const added = await hold('add', '--all', '--status', 'failed', '--until', '30d')
    expect(added).toMatchObject({
      code: 0,
      out: expect.stringContaining('Held jobs in all domains with --status failed'),
    })
    expect((await hold('list')).out).toContain('\t{"status":["failed"]}\t')
    const stdin = (await world.jobs(2)).join('\n')
    const ids = await world.jobsctl(['hold', 'add', '--ids-file', '-', '--until', '30d'], { stdin })
    expect(ids).toMatchObject({ code: 0, out: expect.stringMatching(/^Held 2 jobs until /) })
    await world.sql`update jobsctl_holds set filter = '{"payload": null, "owner_user_id": "alice"}'`
    const removed = (await hold('remove', '1')).out
    expect(removed).toContain('over jobs in all domains with --owner alice with a hidden payload, which')
  })

  it('holds ids and operations, and an undo holds what it gives back for as long as --hold says', async () => {
    // Holds are on record, too: they have the first and the third id.
    const [first, second] = await world.jobs(3)
    expect((await hold('add', String(first), String(second), '--until', '1d')).out).toMatch(/^Held 2 jobs until /)
    expect((await prune('--yes')).out).toMatch(/^deleted 1 job/)
    const past = ['undo', '2', '--hold', '2020-01-01', '--yes']
    expect(await world.jobsctl(past)).toMatchObject({ code: 2, err: expect.stringContaining('--hold: is over') })
    expect((await hold('add', '--operation', '2', '--until', '2d', '--json')).out).toContain('"operation_id":2')
    const undone = JSON.parse((await world.jobsctl(['undo', '2', '--hold', '30d', '--yes', '--json'])).out)
    expect(undone).toMatchObject({ affected: 1, hold_id: 3 })
    expect(Date.parse(undone.held_until) - Date.now()).toBeGreaterThan(29.9 * 86_400_000)
    expect(JSON.parse((await hold('list', '--json')).out)).toMatchObject([
      { undo_id: 4, jobs: 1 },
      { operation_id: 2 },
      { jobs: 2 },
    ])
  })

  it.each([
    [['add', '--owner', 'alice'], '--until'],
    [['add', '--until', '30d'], 'scope'],
    [['add', '--until', '30x', '--all'], '--until'],
    [['add', '--until', '99999999999d', '--all'], '--until'],
    [['add', '--until', '30d', '--operation', 'x'], '--operation'],
    [['add', '--until', '30d', '--operation', '1', '--domain', 'd'], 'exclude each other'],
    [['add', '--until', '30d', '7', '--domain', 'd'], 'in every domain'],
    [['remove'], 'hold list'],
    [['remove', 'x'], 'whole number'],
    [['remove', '1', '2'], 'hold list'],
    [['list', '--domain', 'd'], 'hold add'],
    [['list', '7'], 'takes no 7'],
    [['keep'], 'neither add, list nor remove'],
    [['add', '--all', '--until', '30d', '--dry-run'], '--dry-run'],
  ])('refuses %j, and holds nothing', async (argv, why) => {
    expect(await hold(...argv)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(why) })
    expect(await world.sql`select from jobsctl_holds`).toHaveLength(0)
  })
})
