import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../../../cli/commands/all.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe('a job by its uuid on the command line', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())

  const oneJob = async (wanted: object) => {
    const uuid = randomUUID()
    const [id = 0] = await world.jobs(1, { uuid, ...wanted })
    return { id, uuid }
  }

  it.each(['show', 'explain'])('is what %s prints by the id', async (verb) => {
    const { id, uuid } = await oneJob({ status: 'queued' })
    const [byId, byUuid] = [await world.jobsctl([verb, String(id)]), await world.jobsctl([verb, uuid])]
    expect([byUuid.code, byUuid.out]).toEqual([0, byId.out])
    const curl = await world.jobsctl([verb, uuid, '--curl'])
    expect(curl.out).toContain(`/api/v1/jobs/job${verb === 'show' ? '' : '/explain'}?key=${uuid}`)
  })

  it('is taken by changes, beside ids and in a file, and by a hold', async () => {
    const [one, two] = [await oneJob({ status: 'failed' }), await oneJob({ status: 'failed' })]
    const retried = await world.jobsctl(['retry', one.uuid, String(two.id), '--yes', '--json'])
    expect([retried.code, JSON.parse(retried.out)]).toMatchObject([0, { affected: 2 }])
    const cancelled = await world.jobsctl(['cancel', '--ids-file', '-', '--yes', '--json'], {
      stdin: `${one.uuid}\n${two.id}\n`,
    })
    expect([cancelled.code, JSON.parse(cancelled.out)]).toMatchObject([0, { affected: 2 }])
    expect(await world.jobsctl(['hold', 'add', one.uuid, '--until', '1d', '--reason', 'r'])).toMatchObject({ code: 0 })
  })

  /** How each change of jobs takes one by its uuid, and the state in which it takes it. */
  const changes: Record<string, { status: string; argv?: string[] }> = {
    cancel: { status: 'queued' },
    edit: { status: 'queued', argv: ['--set', 'payload.a=1'] },
    erase: { status: 'completed' },
    priority: { status: 'queued', argv: ['--to', '3'] },
    reclaim: { status: 'processing' },
    requeue: { status: 'quarantined' },
    reschedule: { status: 'queued', argv: ['--in', '1h'] },
    retry: { status: 'failed' },
  }

  it('is taken by every command that takes ids of jobs', async () => {
    const known = [...Object.keys(changes), 'show', 'explain', 'wait', 'hold', 'redrive'].sort()
    const takeIds = commands.filter(({ operands = '' }) => /^<id\b|\[ids\.\.\.\]/.test(operands))
    expect(takeIds.map(({ name }) => name).sort()).toEqual(known)
    for (const [name, { status, argv = [] }] of Object.entries(changes)) {
      const { uuid } = await oneJob({ status, worker_id: 'w' })
      const { code, out } = await world.jobsctl([name, uuid, ...argv, '--dry-run', '--json'])
      expect({ name, code }).toEqual({ name, code: 0 })
      expect({ name, out }).toEqual({ name, out: expect.stringContaining('"count":1,') })
    }
    const { uuid } = await oneJob({ status: 'completed' })
    expect(await world.jobsctl(['wait', uuid, '--for', 'completed'])).toMatchObject({ code: 0 })
    // Own jobs have no dead letter queue: the word is read, and the server says so.
    expect((await world.jobsctl(['redrive', uuid, '--yes'])).err).not.toContain(uuid)
  })

  it('is exit 5 where no job has it, and exit 2 for a word that is no id', async () => {
    const gone = randomUUID()
    for (const argv of [
      ['show', gone],
      ['explain', gone],
      ['retry', gone, '--yes'],
      ['requeue', gone, '--yes'],
    ]) {
      const { code, err } = await world.jobsctl(argv)
      expect([argv[0], code, err]).toEqual([argv[0], 5, expect.stringContaining(`there is no job ${gone}`)])
    }
    for (const argv of [
      ['show', '5x'],
      ['explain', 'abc'],
      ['retry', `${gone}0`, '--yes'],
      ['cancel', '-', '--yes'],
    ])
      expect([argv, (await world.jobsctl(argv)).code]).toEqual([argv, 2])
  })
})
