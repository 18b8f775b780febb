import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask, clearAll, doneOf, expectIntact, previewOf, recordOf, retry } from '../../support/changes/bulk-tools.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('why jobs of a preview are unchanged', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it('is that others had changed them', async () => {
    const ids = await world.jobs(5, { status: 'failed' })
    const { token } = await previewOf(world, retry)
    await world.sql`update jobs set priority = 3 where id in ${world.sql(ids.slice(0, 2))}`
    const { operation, skipped } = doneOf(await ask(world, retry, { preview_token: token }))
    expect(skipped).toBe(2)
    expect(await recordOf(world, operation)).toMatchObject({
      ...{ previewed: 5, affected: 3, skipped: 2, skipped_by_others: 2, not_reached: 0, left_for_later: 0 },
    })
  })

  it('is that they wait for the second part', async () => {
    await world.jobs(5, { status: 'failed' })
    const { token } = await previewOf(world, retry)
    const { body } = await ask(world, retry, { preview_token: token, limit: 2 })
    expect(await recordOf(world, Object(body).operation_id)).toMatchObject({
      ...{ previewed: 5, affected: 2, skipped: 3, skipped_by_others: 0, not_reached: 0, left_for_later: 3 },
    })
    const rest = doneOf(await ask(world, retry, { preview_token: Object(body).rest_token }))
    expect(await recordOf(world, rest.operation)).toMatchObject({
      affected: 3,
      skipped_by_others: 0,
      left_for_later: 0,
    })
  })

  it('is that the change stopped before it, and stays so when it is undone', async () => {
    await world.jobs(5, { status: 'failed' })
    const { token } = await previewOf(world, retry)
    const until = new Date(Date.now() + 1500).toISOString()
    const { status, body } = await ask(world, retry, { preview_token: token, rate: 1, until })
    expect([status, Object(body).code]).toEqual([503, 'partial'])
    const [{ id = 0 } = {}] = await world.sql<{ id: number }[]>`select max(id) as id from job_operations`
    const record = await recordOf(world, id)
    expect(record.affected).toBeGreaterThan(0)
    const stopped = { skipped: 5 - record.affected, not_reached: 5 - record.affected, skipped_by_others: null }
    expect(record).toMatchObject({ state: 'partial', ...stopped, left_for_later: 0 })
    expect(await world.jobsctl(['undo', String(id), '--yes'])).toMatchObject({ code: 0 })
    expect(await recordOf(world, id)).toMatchObject({ state: 'undone', ...stopped })
    await expectIntact(world)
  })

  it('is counted in the record of jobs that are named, too', async () => {
    const [id = 0] = await world.jobs(1, { status: 'failed' })
    const [queued = 0] = await world.jobs(1, { status: 'queued' })
    const { operation } = doneOf(await world.confirm(retry.path, { ids: [id, queued, 999_999_999] }))
    expect(await recordOf(world, operation)).toMatchObject({ affected: 1, missing_count: 1, not_taken_count: 1 })
    await world.jobs(1, { status: 'failed' })
    const other = doneOf(await ask(world, retry))
    expect(await recordOf(world, other.operation)).toMatchObject({ missing_count: null, not_taken_count: null })
  })

  it('is told by the command that stopped', async () => {
    await world.jobs(5, { status: 'failed' })
    const until = new Date(Date.now() + 1500).toISOString()
    const line = ['retry', '--domain', 'chatbooks', '--rate', '1', '--until', until, '--yes']
    const run = await world.jobsctl(line, { env: { JOBSCTL_OUTPUT: 'table' } })
    expect(run.code).toBe(9)
    expect(run.err).toMatch(/note: [1-4] jobs? of the preview (was|were) not reached\n/)
  })
})
