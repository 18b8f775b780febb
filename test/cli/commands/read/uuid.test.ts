import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
