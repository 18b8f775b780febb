import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clearAll } from '../../../support/changes/bulk-tools.ts'
import { openWorld, type World } from '../../../support/world.ts'

const until = new Date(Date.now() + 24 * 3600 * 1000).toISOString()
const hers = { owner_user_id: 'alice', status: 'failed' }
const erase = ['erase', '--owner', 'alice', '--yes']

describe('an erasure of jobs that are kept', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.sql`delete from jobsctl_holds`
    await clearAll(world)
  })

  const hold = async (subject: object): Promise<number> => {
    const { status, body } = await world.post('/api/v1/jobs/holds', { ...subject, until }, { 'x-reason': 'an audit' })
    expect(status).toBe(201)
    return Number(Object(body).id)
  }

  it('exits 6 where holds keep all of them, with the command that removes each hold', async () => {
    const ids = await world.jobs(3, hers)
    const [all, one] = [await hold({ domain: 'chatbooks' }), await hold({ ids: ids.slice(0, 1) })]
    await hold({ domain: 'elsewhere' })
    const before = await world.fingerprint()
    const run = await world.jobsctl(erase)
    expect(run).toMatchObject({ code: 6, out: '' })
    expect(run.err).toContain(
      `error: 3 jobs kept by a hold: passed over (3 jobs by hold ${all}: jobsctl hold remove ${all}; ` +
        `1 job by hold ${one}: jobsctl hold remove ${one}); nothing was changed\n`,
    )
    expect(await world.fingerprint()).toBe(before)
    const dry = await world.jobsctl(['erase', '--owner', 'alice', '--dry-run', '--json'])
    expect(dry.code).toBe(0)
    expect(JSON.parse(dry.out)).toMatchObject({
      affected: 0,
      passed_over: {
        held: 3,
        holds: [
          { id: all, undo_id: null, jobs: 3 },
          { id: one, jobs: 1 },
        ],
      },
    })
  })

  it('exits 9 where they keep some, also a hold that an undo made by itself', async () => {
    const [id] = await world.jobs(1, hers)
    const { out } = await world.jobsctl(['retry', String(id), '--yes', '--json'])
    const undone = await world.jobsctl(['undo', String(JSON.parse(out).operation_ids[0]), '--yes', '--json'])
    const { hold_id, operation_ids } = JSON.parse(undone.out)
    await world.jobs(2, hers)
    const run = await world.jobsctl(erase)
    expect(run).toMatchObject({ code: 9, out: 'erased 2 jobs\n' })
    expect(run.err).toContain(
      `note: 1 job kept by a hold: passed over (1 job by hold ${hold_id} of undo ${operation_ids[0]}: jobsctl hold remove ${hold_id})\n`,
    )
    expect(await world.jobsctl(['hold', 'remove', String(hold_id)])).toMatchObject({ code: 0 })
    expect(await world.jobsctl(erase)).toMatchObject({ code: 0 })
    expect(await world.count()).toBe(0)
  })

  it('counts the holds over archived copies', async () => {
    await world.jobs(2, hers)
    const { out } = await world.jobsctl(['prune', '--all', '--older-than', '1d', '--yes', '--json'])
    const id = await hold({ operation_id: JSON.parse(out).operation_ids[0] })
    const run = await world.jobsctl(erase)
    expect(run.code).toBe(6)
    expect(run.err).toContain(`2 jobs by hold ${id}: jobsctl hold remove ${id}`)
  })

  it('exits 9 and 6 where workers run them, 5 for an id of which nothing is left, and 0 for an owner without jobs', async () => {
    await world.jobs(1, { ...hers, status: 'processing' })
    expect(await world.jobsctl(erase)).toMatchObject({ code: 6, err: expect.stringContaining('1 job running') })
    await world.jobs(1, hers)
    expect(await world.jobsctl(erase)).toMatchObject({ code: 9, out: 'erased 1 job\n' })
    expect(await world.jobsctl(['erase', '999999999', '--yes'])).toMatchObject({ code: 5 })
    expect(await world.jobsctl(['erase', '--owner', 'nobody', '--yes'])).toMatchObject({ code: 0, out: '', err: '' })
  })

  it('does not say that nothing is left of a job that stays', async () => {
    const [id] = (await world.jobs(1, hers)).map(String)
    const { code, err } = await world.jobsctl(['erase', `${id}`, '--copies-only', '--yes'])
    expect({ code, err }).toEqual({
      code: 5,
      err: expect.stringContaining(`no copy is left of job ${id}; nothing was changed`),
    })
  })
})
