import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clearAll, codeOf, holding, otherProgram, recordOf } from '../../support/changes/bulk-tools.ts'
import { filteredPaths } from '../../support/filtered.ts'
import { until } from '../../support/poll.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const scope = { domain: 'chatbooks' }

/** A lock on the records, which a preview reads for its estimates, keeps its statement until the limit ends it. */
describe('a preview whose count takes longer than a statement may take', () => {
  let world: World
  let release: () => Promise<void> = async () => {}
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_STATEMENT_TIMEOUT_SECONDS: '5', JOBS_LOCK_TIMEOUT_SECONDS: '3600' })
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))
  afterEach(() => release())

  /** Asks while no statement can read the records. */
  async function whileLocked<T>(ask: () => Promise<T>): Promise<T> {
    const other = otherProgram(world)
    const unlock = await holding(other, (tx) => tx`lock table job_operations in access exclusive mode`)
    release = async () => {
      release = async () => {}
      await unlock()
      await other.end()
    }
    const answer = await ask()
    await release()
    return answer
  }
  const preview = (path: string, body: object) =>
    whileLocked(() => world.post(path, path === paths.integrity ? body : { ...body, dry_run: true }))

  it('says how many jobs were counted, and that these are not all that is known', async () => {
    await world.jobs(3, { status: 'failed' })
    const before = await world.fingerprint()
    const { status, body } = await preview(filteredPaths.retry, scope)
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { affected: 3, preview: { count: 3, complete: false, count_at_least: 3, groups: [], owners: [] } },
    })
    expect(JSON.stringify(body)).not.toMatch(/"(restorable|dependents|kept_days)"/)
    expect(await world.fingerprint()).toBe(before)
    const whole = await world.post(filteredPaths.retry, { ...scope, dry_run: true })
    expect(JSON.stringify(whole.body)).not.toMatch(/"(complete|count_at_least)"/)
  })

  it('bounds no change: with its token the change needs max, and keeps to it', async () => {
    await world.jobs(4)
    // Jobs that are younger than an open transaction do not belong to the set, and the server writes in the background.
    await until('each transaction is over that began before the jobs were there', async () => {
      const [row] = await world.sql<[{ over: boolean }]>`
        select pg_snapshot_xmin(pg_current_snapshot())::text::bigint > max(xmin::text::bigint) as over from jobs`
      return row.over
    })
    const { body } = await preview(paths.prune, scope)
    // What an undo could give back is not known of jobs that were not counted.
    expect(JSON.stringify(body)).not.toMatch(/"(restorable|kept_days)"/)
    const preview_token = String(Object(Object(body).preview).token)
    await world.jobs(1)
    const before = await world.fingerprint()
    const without = await world.confirm(paths.prune, { ...scope, preview_token })
    expect(codeOf(without)).toBe('422 preview_incomplete')
    const low = await world.confirm(paths.prune, { ...scope, preview_token, max: 3 })
    expect(low).toMatchObject({ status: 412, body: { detail: expect.stringContaining('more than 3 jobs match') } })
    expect(await world.fingerprint()).toBe(before)
    const done = await world.confirm(paths.prune, { ...scope, preview_token, max: 4 })
    expect(done).toMatchObject({ status: 200, body: { deleted: 4, operation_id: expect.any(Number) } })
    expect(Object(done.body)).not.toHaveProperty('skipped')
    expect(await recordOf(world, Object(done.body).operation_id)).toMatchObject({ previewed: null, skipped: null })
    expect(await world.count()).toBe(1)
  })

  it('is refused where it must know more than a number, or no job was found', async () => {
    await world.jobs(1, { status: 'queued', lease_id: 'lease-1' })
    const detail = 'the search for the jobs took longer than a statement may take; nothing was counted or changed'
    const refused = {
      status: 422,
      body: { code: 'preview_incomplete', detail, hint: expect.stringContaining('narrow') },
    }
    expect(await preview(paths.integrity, {})).toMatchObject(refused)
    expect(await preview(filteredPaths.retry, scope)).toMatchObject(refused)
    const erase = await preview('/api/v1/jobs/erase', { ids: [999_999] })
    const hint = 'narrow the filter by domain, queue or job type, or name the jobs by their ids'
    expect(erase).toMatchObject({ status: 422, body: { code: 'preview_incomplete', detail, hint } })
  })
})
