import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clearAll, recordOf } from '../../../support/changes/bulk-tools.ts'
import { endOf } from '../../../support/changes/detached.ts'
import { changeServer, runAt } from '../../../support/fakes/change-server.ts'
import { openWorld, type World } from '../../../support/world.ts'

const prune = ['prune', '--domain', 'chatbooks', '--older-than', '30d', '--detach']

describe('jobsctl with --detach', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it('prints the id of the operation and the next commands, and the operation goes on', async () => {
    await world.jobs(5)
    const run = await world.jobsctl([...prune, '--rate', '2', '--reason', 'by night', '--yes'])
    const next = 'To follow it:  jobsctl operations follow 1\nTo stop it:    jobsctl operations stop 1\n'
    expect(run).toMatchObject({ code: 0, out: '1\n', err: expect.stringContaining(next) })
    const follow = await world.jobsctl(['operations', 'follow', '1'])
    expect(follow).toMatchObject({ code: 0, out: 'operation 1 (prune) is done: 5 jobs\n' })
    expect(await recordOf(world, 1)).toMatchObject({ state: 'done', affected: 5, reason: 'by night', previewed: 5 })
  })

  it('prints the answer of the API for programs, and a sentence for a person', async () => {
    await world.jobs(3)
    const json = await world.jobsctl([...prune, '--yes', '--json'])
    expect(JSON.parse(json.out)).toMatchObject({ operation_id: 1, kind: 'prune', state: 'running', previewed: 3 })
    await endOf(world, 1)
    await world.jobs(2, { status: 'quarantined', domain: 'a' })
    await world.jobs(2, { status: 'quarantined', domain: 'b' })
    const both = await world.jobsctl(['requeue', '--all', '--detach', '--yes', '-o', 'table'])
    expect(both.out).toBe('operation 2 goes on without this command\noperation 3 goes on without this command\n')
    await endOf(world, 2)
    await endOf(world, 3)
    await world.jobs(2, { status: 'quarantined', domain: 'a' })
    await world.jobs(2, { status: 'quarantined', domain: 'b' })
    const list = await world.jobsctl(['requeue', '--all', '--detach', '--yes', '--json'])
    expect(JSON.parse(list.out)).toMatchObject([{ operation_id: 4 }, { operation_id: 5 }])
  })

  it('is confirmed, bounded and previewed as any change', async () => {
    await world.jobs(5)
    const before = await world.fingerprint()
    const dry = await world.jobsctl([...prune, '--dry-run'])
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('would delete 5 jobs') })
    expect(await world.jobsctl(prune)).toMatchObject({ code: 3, err: expect.stringContaining('--detach') })
    expect((await world.jobsctl([...prune, '--max', '4', '--yes'])).code).toBe(8)
    const canary = ['retry', '--domain', 'chatbooks', '--canary', '2', '--detach', '--yes']
    expect(await world.jobsctl(canary)).toMatchObject({ code: 2, err: expect.stringContaining('exclude each other') })
    const refused = ['undo', '1', '--refused-to', '/nowhere/file', '--detach', '--yes']
    expect(await world.jobsctl(refused)).toMatchObject({ code: 2, err: expect.stringContaining('exclude each other') })
    const curl = await world.jobsctl([...prune, '--curl', '--yes'])
    expect(curl.out).toContain('-H "Prefer: respond-async"')
    expect(await world.fingerprint()).toBe(before)
    const none = await world.jobsctl(['prune', '--domain', 'empty', '--detach', '--yes'])
    expect(none).toMatchObject({ code: 0, out: '' })
  })

  it('says so where the server has made the change before it answered', async () => {
    const server = await changeServer(() => ({ body: { deleted: 200, operation_id: 17 } }))
    const run = await runAt(server, [...prune, '--yes'])
    expect(run).toMatchObject({ code: 0, out: 'deleted 200 jobs in chatbooks\n' })
    expect(run.err).toContain('this server does not know --detach')
  })
})
