import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explainJob } from '../../shared/endpoints.ts'
import { kinds } from '../support/database/database.ts'
import { ago, jobRow } from '../support/database/job-row.ts'
import { insertRows } from '../support/database/tables.ts'
import { workerOf } from '../support/worker.ts'
import { openWorld, type World } from '../support/world.ts'

/** `PROPERTY_RUNS=500` is a long search; `PROPERTY_SEED` repeats one. */
const { PROPERTY_RUNS: runs = '15', PROPERTY_SEED: seed } = process.env

/** Seconds before now; a negative number is a time to come. */
const moment = fc.option(fc.constantFrom(7200, 3600, 3600, 60, -3600))

const job = fc.record({
  status: fc.constantFrom(
    'queued',
    'queued',
    'queued',
    'processing',
    'completed',
    'failed',
    'cancelled',
    'quarantined',
  ),
  priority: fc.option(fc.integer({ min: 1, max: 3 })),
  job_type: fc.constantFrom('a', 'a', 'b'),
  owner_user_id: fc.constantFrom('o', 'o', 'p'),
  isElsewhere: fc.constantFrom(false, false, false, true),
  created: moment,
  available: moment,
  cancelAsked: moment,
  /** The jobs that it depends on, by their places in the list. */
  needs: fc.array(fc.nat(11), { maxLength: 1 }),
})
type Job = typeof job extends fc.Arbitrary<infer T> ? T : never

const state = fc.record({
  jobs: fc.array(job, { minLength: 1, maxLength: 12 }),
  control: fc.constantFrom('none', 'none', 'none', 'none', 'paused', 'drain', 'resumed'),
  job_types: fc.option(fc.constant(['a'])),
  owner_user_id: fc.option(fc.constant('o')),
})
type State = typeof state extends fc.Arbitrary<infer T> ? T : never

const time = (seconds: number | null): string | null => (seconds === null ? null : ago(seconds))

/** A row of another program. Nothing was picked up within the last minutes. */
function rowOf({ created, available, cancelAsked, needs: _, isElsewhere, ...row }: Job, queue: string) {
  const times = {
    ...{ created_at: time(created), available_at: time(available), acquired_at: ago(3600) },
    cancel_requested_at: time(cancelAsked),
  }
  return { ...jobRow(row), domain: 'd', queue: isElsewhere ? 'elsewhere' : queue, ...times }
}

async function make(world: World, given: State, queue: string): Promise<number[]> {
  const { sql } = world
  const { jobs, control, job_types, owner_user_id } = given
  await world.clear()
  // The counts of the triggers would note the running jobs as picked up now.
  await sql`
    insert into jobsctl_pickups (domain, queue, job_type, picked_up_at)
    select 'd', ${queue}, job_type, 'infinity' from unnest(array['a', 'b']) as job_type`
  const rows = jobs.map((one, at) => ({ ...rowOf(one, queue), uuid: `job-${at}` }))
  const ids = await insertRows(sql, rows)
  for (const [at, { needs }] of jobs.entries())
    for (const needed of needs)
      await sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values (${`job-${at}`}, ${`job-${needed}`})`
  if (control !== 'none') {
    await sql`
      insert into job_queue_controls (domain, queue, paused, drain)
      values ('d', ${queue}, ${control === 'paused'}, ${control === 'drain'})`
  }
  await sql`
    insert into jobsctl_worker_marks (domain, queue, worker_id, filter, job_types, owner_user_id)
    values ('d', ${queue}, 'w', 'f', ${job_types}, ${owner_user_id})`
  return ids
}

describe.each(kinds)('an explanation on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())

  it('has no reason for exactly the queued jobs that the worker is given, in the order of their places', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(state, async (given) => {
        // A queue of its own: the server writes the marks of the run before a moment later.
        run += 1
        const queue = `q${run}`
        const ids = await make(world, given, queue)
        const inQueue = ids.filter((_, at) => given.jobs[at]?.status === 'queued' && !given.jobs[at]?.isElsewhere)
        const explained = await Promise.all(
          inQueue.map(async (id) => {
            const { status, body } = await world.call('GET', `/api/v1/jobs/${id}/explain`)
            expect(status, JSON.stringify(body)).toBe(200)
            return explainJob.output.parse(body)
          }),
        )
        const free = explained
          .filter(({ reasons }) => reasons.length === 0)
          .sort((one, other) => (one.place?.ahead ?? 0) - (other.place?.ahead ?? 0))
        const { job_types, owner_user_id } = given
        const ask = { domain: 'd', queue, worker_id: 'w', limit: 100, job_types, owner_user_id }
        const leased = await workerOf(world.post).lease(ask)
        expect(free.map(({ id }) => id)).toEqual(leased.map(({ id }) => id))
        const places = free.map(({ place }) => place?.ahead)
        expect(new Set(places).size).toBe(places.length)
      }),
      { numRuns: Number(runs), ...(seed !== undefined && { seed: Number(seed) }) },
    )
  })
})
