import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWorld, type World } from '../../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

it.each(['/api/v1/jobs/retry-now', '/api/v1/jobs/batch/retry'])(
  '%s takes failed jobs with retries left alone where with_retries_left says so, and all others without',
  async (path) => {
    await world.clear()
    const ids = await world.jobs(3, { status: 'failed' })
    await world.sql`update jobs set max_retries = 3, retry_count = 1`
    await world.sql`update jobs set retry_count = 3 where id = ${ids[0] ?? 0}::bigint`
    await world.sql`update jobs set retry_count = null, max_retries = null where id = ${ids[1] ?? 0}::bigint`
    const preview = async (fields: object) =>
      (await world.post(path, { domain: 'chatbooks', dry_run: true, ...fields })).body
    expect(await preview({})).toMatchObject({ affected: 3 })
    expect(await preview({ with_retries_left: false })).toMatchObject({ affected: 3 })
    expect(await preview({ with_retries_left: true })).toMatchObject({ affected: 2 })
    const done = await world.confirm(path, { domain: 'chatbooks', with_retries_left: true })
    expect(done.body).toMatchObject({ affected: 2 })
    expect((await world.rows()).map(({ status }) => status)).toEqual(['failed', 'queued', 'queued'])
  },
)
