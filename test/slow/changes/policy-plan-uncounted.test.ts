import { afterAll, beforeAll, expect, it } from 'vitest'
import { holding, otherProgram } from '../../support/changes/bulk-tools.ts'
import { makePeople, planOf, planPath } from '../../support/changes/plans.ts'
import { pruning } from '../../support/changes/policy.ts'
import { ago } from '../../support/database/job-row.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  const env = { AUTH_MODE: 'multi_user', JOBS_STATEMENT_TIMEOUT_SECONDS: '15', JOBS_LOCK_TIMEOUT_SECONDS: '3600' }
  world = await openWorld('postgres', env)
})
afterAll(() => world?.stop())

/** A lock on the records, which a preview reads for its estimates, keeps its statement until the limit ends it. */
it('a plan of a policy that cannot be counted in time has the max of its rules as its number', async () => {
  const { boss, ben } = await makePeople(world.sql)
  await world.jobs(5, { status: 'completed', completed_at: ago(40 * 86_400) })
  const rules = [pruning({ max: 70 }), pruning({ name: 'told', mode: 'report' })]
  const other = otherProgram(world)
  const unlock = await holding(other, (tx) => tx`lock table job_operations in access exclusive mode`)
  const request = { path: '/api/v1/jobs/policy', request: { rules, revision: 0 } }
  const planned = world.post(planPath, request, { ...boss, 'x-reason': 'retention' })
  await until('the plan is made, and read', async () => {
    const waiting = await other`
      select from pg_stat_activity where wait_event_type = 'Lock' and query like '%plan.job_type%'`
    return waiting.length > 0
  }).finally(unlock)
  const plan = planOf(await planned)
  expect(plan).toMatchObject({
    count: 70,
    preview: { first_runs: [{ at_most: 70 }, { would_change: 0, at_most: 0 }] },
  })
  const env = { JOBSCTL_API_KEY: undefined, JOBSCTL_TOKEN: ben.authorization?.replace('Bearer ', '') }
  const { err } = await world.jobsctl(['approve', String(plan.id)], { env })
  expect(err).toContain('whose first runs change at most')
  await other.end()
})
