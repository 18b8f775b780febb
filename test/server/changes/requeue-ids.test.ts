import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runAt } from '../../support/fakes/change-server.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe('a requeue of jobs by id', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const statuses = ['completed', 'queued', 'processing', 'failed', 'cancelled']
  const one = async (status: string, more: object = {}) => (await world.jobs(1, { status, ...more }))[0] ?? 0
  const requeueIds = (...ids: number[]) => world.jobsctl(['requeue', ...ids.map(String), '--dry-run'])

  it.each(statuses)('says that a job is %s, whether or not another job is quarantined', async (status) => {
    const id = await one(status, { domain: 'other' })
    const why = status === 'failed' ? `: jobsctl retry ${id}` : ', not quarantined'
    expect(await requeueIds(id)).toMatchObject({
      ...{ code: 6, out: '' },
      err: `error: job ${id} is ${status}${why}; nothing was changed\n`,
    })
    const quarantined = await one('quarantined')
    expect(await requeueIds(quarantined, id)).toMatchObject({
      ...{ code: 0, out: 'would requeue 1 job\n' },
      err: `note: job ${id} is ${status}${why}\n`,
    })
  })

  it('says that there is no such job, and tells apart several ids', async () => {
    const [first, second, third] = [await one('completed'), await one('completed'), await one('failed')]
    const { code, err } = await requeueIds(first, 999_999, second, third, 888_888)
    expect(code).toBe(5)
    expect(err).toContain(
      `error: jobs ${first}, ${second} are completed, not quarantined; job ${third} is failed: jobsctl retry ${third}; ` +
        'there are no jobs 999999, 888888; nothing was changed\n',
    )
    expect(await requeueIds(999_999)).toMatchObject({
      code: 5,
      err: expect.stringContaining('there is no job 999999;'),
    })
  })

  it('goes on where all jobs are quarantined, in any domain', async () => {
    const [here, there] = [await one('quarantined'), await one('quarantined', { domain: 'other' })]
    expect(await requeueIds(here, there)).toMatchObject({ code: 0, out: 'would requeue 2 jobs\n' })
  })

  it('answers the status of a job that does not match in the dry run and in the change, and of no other job', async () => {
    const [done, quarantined] = [await one('completed', { domain: 'other' }), await one('quarantined')]
    const body = { domain: 'chatbooks', job_id: done }
    const not_matched = [{ id: done, status: 'completed' }]
    expect((await world.post(paths.requeue, { ...body, dry_run: true })).body).toMatchObject({
      affected: 0,
      not_matched,
    })
    expect((await world.confirm(paths.requeue, body)).body).toMatchObject({ affected: 0, not_matched })
    const absent = await world.post(paths.requeue, { ...body, job_id: 999_999, dry_run: true })
    expect(absent.body).toMatchObject({ affected: 0, not_matched: [{ id: 999_999, status: null }] })
    const others = [{ domain: 'none' }, { domain: 'chatbooks', job_id: quarantined }]
    for (const other of others) {
      expect((await world.post(paths.requeue, { ...other, dry_run: true })).body).not.toHaveProperty('not_matched')
    }
  })

  it('has the same output with a server that does not answer the status', async () => {
    const server = await fakeServer(({ path }) =>
      path.includes('/engine') ? { status: 404 } : { body: path.includes('/stats') ? [] : { affected: 0 } },
    )
    const { code, err } = await runAt(server, ['requeue', '5', '6', '--yes'])
    expect({ code, err }).toMatchObject({
      code: 5,
      err: expect.stringContaining('no quarantined job has the id 5, 6; nothing was changed'),
    })
  })
})
