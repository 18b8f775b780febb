import { afterAll, beforeAll, expect, it } from 'vitest'
import { holding, otherProgram } from '../../../support/bulk-tools.ts'
import { filteredPaths } from '../../../support/filtered.ts'
import { openWorld, type World } from '../../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres', { JOBS_STATEMENT_TIMEOUT_SECONDS: '1', JOBS_LOCK_TIMEOUT_SECONDS: '3600' })
})
afterAll(() => world?.stop())

it('refuses a change whose search takes longer than a statement may take, and changes nothing', async () => {
  await world.jobs(2, { status: 'failed' })
  const before = await world.fingerprint()
  const other = otherProgram(world)
  const release = await holding(other, (tx) => tx`lock table job_operations in access exclusive mode`)
  const { status, body } = await world.post(filteredPaths.retry, { domain: 'chatbooks', dry_run: true })
  expect({ status, body }).toMatchObject({
    status: 422,
    body: {
      code: 'preview_incomplete',
      detail: 'the search for the jobs took longer than a statement may take; nothing was counted or changed',
      hint: expect.stringContaining('narrow the filter'),
    },
  })
  await release()
  await other.end()
  expect(await world.fingerprint()).toBe(before)
  const again = await world.post(filteredPaths.retry, { domain: 'chatbooks', dry_run: true })
  expect(again).toMatchObject({ status: 200, body: { affected: 2 } })
})
