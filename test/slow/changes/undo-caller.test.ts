import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clearAll, doneOf, expectIntact } from '../../support/changes/bulk-tools.ts'
import { changesOf, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { enter, startAtTerminal } from '../../support/programs/terminal.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const batch = '/api/v1/jobs/batch'
const undoSince = (since: string) => ['undo', '--caller', 'single-user', '--since', since]

describe.each(['embedded', 'postgres'] as const)('an undo of all that a caller did on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const change = async (path: string, body: object) => doneOf(await world.confirm(path, body)).operation ?? 0
  const states = async () => (await world.rows()).map(({ status }) => status).sort()

  /** A retry, and after the time that counts a prune, a cancel, a prune without a copy and a repair. */
  async function aBadDay() {
    await world.jobs(1, { status: 'failed' })
    const before = await change(`${batch}/retry`, { domain: 'chatbooks' })
    expect(before).toBe(1)
    const [{ since = '' } = {}] = await world.sql<{ since: string }[]>`
      select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as since`
    await world.jobs(3, { domain: 'media' })
    const pruned = await change(paths.prune, { domain: 'media' })
    const cancelled = await change(`${batch}/cancel`, { domain: 'chatbooks' })
    await world.jobs(2, { domain: 'reports' })
    const unkept = await change(paths.prune, { domain: 'reports', no_archive: true })
    return { pruned, cancelled, unkept, words: undoSince(since) }
  }

  it('previews all of it at once, and gives it back with one confirmation, the newest first', async () => {
    const { pruned, cancelled, unkept, words } = await aBadDay()
    const left = `note: operation ${unkept} (prune, 2 jobs) is not undone: the jobs are deleted without a copy in the archive (no_archive)\n`
    const before = await world.fingerprint()
    const dry = await world.jobsctl([...words, '--dry-run'])
    expect(dry).toMatchObject({ code: 0, err: left })
    expect(dry.out).toMatch(/^would give back 4 jobs of 2 operations of single-user since 20\S+Z\n$/)
    const refused = await world.jobsctl(words)
    expect(refused.code).toBe(3)
    expect(refused.err).toMatch(/hint: jobsctl undo --caller single-user --since 20\S+Z --yes\n/)
    expect(await world.jobsctl([...words, '--max', '3', '--yes'])).toMatchObject({ code: 8 })
    expect(await world.fingerprint()).toBe(before)

    const done = await world.jobsctl([...words, '--yes', '--json'])
    expect(done).toMatchObject({ code: 9, err: left })
    expect(JSON.parse(done.out)).toMatchObject({
      ...{ operation: 'undo', affected: 4, caller: 'single-user', conflict_count: 0 },
      operations_undone: [cancelled, pruned],
      operation_ids: [unkept + 1, unkept + 2],
      not_undone: [{ id: unkept, kind: 'prune', jobs: 2, why: expect.stringContaining('no_archive') }],
    })
    expect(await states()).toEqual(['completed', 'completed', 'completed', 'queued'])
    await expectIntact(world)
    const again = await world.jobsctl([...words, '--yes'])
    expect(again).toMatchObject({ code: 6, out: '' })
    expect(again.err).toContain('nothing that single-user did')
    expect(again.err).toContain(`operation ${pruned} (prune): it was undone by operation ${unkept + 2}`)
    expect(again.err).toContain(`operation ${unkept + 1} (undo): it is an undo`)
  })

  it('takes a scope, and gives jobs back that two operations had changed', async () => {
    const words = undoSince('1h')
    await world.jobs(2, { domain: 'media', queue: 'a', status: 'queued' })
    await world.jobs(1, { domain: 'media', queue: 'b', status: 'queued' })
    await change(`${batch}/priority`, { domain: 'media', priority: 1 })
    await change(`${batch}/priority`, { domain: 'media', queue: 'a', priority: 2 })
    const first = await world.jobsctl([...words, '--queue', 'a', '--yes'])
    expect(first).toMatchObject({ code: 0 })
    const priorities = async () => (await world.rows()).map(({ priority }) => priority)
    expect(await priorities()).toEqual([5, 5, 1])
    expect(await world.jobsctl([...words, '--yes'])).toMatchObject({ code: 0 })
    expect(await priorities()).toEqual([5, 5, 5])
  })

  it('at a terminal lists the operations before it asks', async () => {
    const { pruned, cancelled, words } = await aBadDay()
    const env = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }
    const person = await startAtTerminal(words, { env })
    await person.sees('Type 4 to go ahead:')
    person.types(`4${enter}`)
    const { code, screen } = await person.ended
    expect(code).toBe(9)
    expect(screen).toMatch(
      new RegExp(`OPERATION +KIND +WHEN +GIVES BACK\\n${cancelled} +cancel .* 1\\n${pruned} +prune .* 3\\n`),
    )
    expect(screen).toContain('gave back 4 jobs of 2 operations of single-user since')
  })
})

it('asks for a caller and a time, and for no other selection beside them', async () => {
  const server = await fakeServer(() => ({ body: [] }))
  for (const line of [
    ['undo', '--yes'],
    ['undo', '--caller', 'a', '--yes'],
    ['undo', '--since', '2h', '--yes'],
    ['undo', '--caller', ' ', '--since', '2h', '--yes'],
    ['undo', '17', '--caller', 'a', '--since', '2h', '--yes'],
    ['undo', '--caller', 'a', '--since', '2h', '--detach', '--yes'],
    ['undo', '--caller', 'a', '--since', '2h', '--curl'],
    ['undo', '--caller', 'a', '--since', '2h', '--dry-run', '--plan-out', 'plan.json'],
    ['undo', '--caller', 'a', '--since', '2h', '--ids-file', 'ids', '--yes'],
    ['undo', '--caller', 'a', '--since', '2h', '--refused-to', 'file', '--yes'],
    ['undo', '--caller', 'a', '--since', 'yesterday', '--yes'],
    ['undo', '--caller', 'a', '--since', '2h', '--domain', '', '--yes'],
  ]) {
    expect(await runAt(server, line), line.join(' ')).toMatchObject({ code: 2, out: '' })
  }
  expect(changesOf(server)).toEqual([])
  expect(await runAt(server, ['undo', '--caller', 'a', '--since', '2h', '--yes'])).toMatchObject({
    code: 5,
    err: expect.stringContaining('a has changed no job since'),
  })
})
