import { afterAll, beforeAll, expect, it } from 'vitest'
import { filteredPaths } from '../../support/filtered.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres', { JOBS_STATEMENT_TIMEOUT_SECONDS: '1' })
})
afterAll(() => world?.stop())

it('refuses a change whose search takes longer than a statement may take, and changes nothing', async () => {
  const ids = await world.jobs(300, { status: 'failed' })
  await world.sql.begin(async (tx) => {
    await tx`set local statement_timeout = 0`
    await tx`update jobs set error_message = repeat('x', 300000)`
  })
  const { status, body } = await world.post(filteredPaths.retry, { error: 'nowhere', dry_run: true })
  expect({ status, body }).toMatchObject({
    status: 422,
    body: {
      code: 'preview_incomplete',
      detail: 'the search for the jobs took longer than a statement may take; nothing was counted or changed',
      hint: expect.stringContaining('narrow the filter'),
    },
  })
  const narrow = await world.post(filteredPaths.retry, { error: 'nowhere', ids: ids.slice(0, 1), dry_run: true })
  expect(narrow).toMatchObject({ status: 200, body: { affected: 0 } })
})
