import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { holding, otherProgram } from '../../support/changes/bulk-tools.ts'
import { filteredPaths } from '../../support/filtered.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '60', JOBS_DB_POOL: '2' })
})
afterAll(() => world?.stop())
beforeEach(() => world.clear())

/** Calls that wait, and how many of them have ended. */
function waiting(calls: (() => Promise<unknown>)[]) {
  const state = { ended: 0 }
  const all = Promise.allSettled(calls.map((call) => call().finally(() => state.ended++)))
  return { state, all }
}

const acquire = { domain: 'chatbooks', queue: 'default', worker_id: 'w' }

it.each([
  ['reads', () => world.call('GET', '/api/v1/jobs/999999')],
  ['changes', () => world.post(filteredPaths.cancel, { domain: 'media', dry_run: true })],
] as const)('workers do not wait behind twenty %s of operators', async (name, call) => {
  await world.jobs(3, { status: 'queued' })
  const other = otherProgram(world)
  // A read of an unknown job looks into the archive, a preview into the records.
  const table = name === 'reads' ? 'jobs_archive' : 'job_operations'
  const release = await holding(other, (tx) => tx`lock table ${tx(table)} in access exclusive mode`)
  const { state, all } = waiting(Array.from({ length: 20 }, () => call))
  try {
    const { body } = await world.post('/api/v1/jobs/acquire', acquire)
    expect(body).toMatchObject({ jobs: [{ status: 'processing' }] })
    expect(state.ended).toBe(0)
  } finally {
    await release()
    await all
    await other.end()
  }
})
