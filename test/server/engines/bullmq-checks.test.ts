import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { fillBullMq, makeBullMq, oddQueues } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const schema = 'Bull"MQ'
const { plain, odd } = oddQueues

const Checks = z.object({
  processing_expired: z.number(),
  checks: z.array(
    z.object({
      check: z.string(),
      jobs: z.number(),
      at_least: z.boolean(),
      ids: z.array(z.string()),
      instead: z.string(),
    }),
  ),
})

describe.each([2, 11])('the checks of BullMQ with schema %i', (version) => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveTables(async (made) => {
      sql = made
      await makeBullMq({ sql, version, schema })
      await fillBullMq({ sql, version, schema })
    })
  })
  afterAll(() => served.close())

  const of = (table: string) => sql(`${schema}.${table}`)
  const checked = async (body: object = {}) => {
    const answer = await served.post('integrity/sweep', body)
    return Checks.parse(answer.body)
  }
  /** The checks that have found something, with what they name. */
  const found = async (body: object = {}) =>
    Object.fromEntries((await checked(body)).checks.flatMap(({ check, jobs, ids }) => (jobs > 0 ? [[check, ids]] : [])))

  it('find nothing where nothing is wrong', async () => {
    const { checks, processing_expired } = await checked()
    expect(checks.map(({ check }) => check)).toEqual([
      ...['expired', 'lock_missing', 'child_gone', 'child_failed', 'child_untold', 'children_miscounted'],
      ...['deduplicates_for_ever', ...(version < 3 ? ['deduplication_without_job'] : []), 'scheduler_ended'],
    ])
    expect({ checks: checks.filter(({ jobs, at_least }) => jobs > 0 || at_least), processing_expired }).toEqual({
      ...{ checks: [], processing_expired: 0 },
    })
  })

  it('name what is stuck, each kind by itself, and what to do', async () => {
    const state = (name: string) => sql`${name}::${sql(`${schema}.job_state`)}`
    const [late, lockless] = await sql<{ id: string }[]>`
      select id from ${of('job')} where queue = ${odd} and state = 'active' order by id limit 2`
    await sql`update ${of('job')} set locked_until_ms = 1000 where queue = ${odd} and id = ${late?.id ?? ''}`
    await sql`update ${of('job')} set lock_token = null, locked_until_ms = null where queue = ${odd} and id = ${lockless?.id ?? ''}`
    const parents = ['gone', 'failed', 'untold', 'miscounted']
    await sql`
      insert into ${of('job')} (queue, id, seq, name, state, pending_deps, added_at_ms)
      select 'flows', id, 2000, 'step', ${state('waiting-children')}, case id when 'miscounted' then 3 else 1 end, 1000
      from unnest(${parents}::text[]) as id`
    await sql`
      insert into ${of('job')} (queue, id, seq, name, state, added_at_ms, finished_at_ms)
      values ('steps', 'of failed', 1, 'step', ${state('failed')}, 1000, 2000), ('steps', 'of untold', 1, 'step', ${state('completed')}, 1000, 2000),
        ('steps', 'of miscounted', 1, 'step', ${state('waiting')}, 1000, null)`
    await sql`
      insert into ${of('job_dependency')} (parent_queue, parent_id, child_queue, child_id, child_key)
      select 'flows', id, 'steps', 'of ' || id, 'steps:of ' || id from unnest(${parents}::text[]) as id`
    const [ended] = await sql<{ id: string }[]>`
      select id from ${of('job')} where queue = ${plain} and state = 'completed' order by id limit 1`
    await sql`
      insert into ${of('dedup')} (queue, dedup_id, job_id, expire_at_ms)
      values (${plain}, 'kept', ${ended?.id ?? ''}, null), (${plain}, 'lost', 'no job', null), (${plain}, 'for a while', 'no job', 99999999999999)`
    await sql`insert into ${of('scheduler')} (queue, scheduler_id, next_run_ms) values (${plain}, 'nightly', 1000), ('steps', 'hourly', 1000)`
    await sql`update ${of('job')} set scheduler_id = 'hourly' where queue = 'steps' and id = 'of miscounted'`
    const key = (id = '') =>
      [odd.replaceAll('%', '%25').replaceAll('/', '%2F').replaceAll('\u0007', '%07'), id].join('/')
    const all = {
      expired: [key(late?.id)],
      lock_missing: [key(lockless?.id)],
      child_gone: ['flows/gone'],
      child_failed: ['flows/failed'],
      child_untold: ['flows/untold'],
      children_miscounted: ['flows/miscounted'],
      deduplicates_for_ever: [`mail/${ended?.id}`],
      // Since schema 3 BullMQ gives such an id to the next job that asks for it.
      ...(version < 3 ? { deduplication_without_job: ['mail/lost'] } : {}),
      scheduler_ended: ['mail/nightly'],
    }
    expect(await found()).toEqual(all)
    expect(await found({ queue: 'flows' })).toEqual({
      ...{ child_gone: ['flows/gone'], child_failed: ['flows/failed'], child_untold: ['flows/untold'] },
      children_miscounted: ['flows/miscounted'],
    })
    // A key without a job is not of a type.
    expect(Object.keys(await found({ job_type: 'digest' }))).not.toContain('scheduler_ended')
    const env = { JOBSCTL_URL: served.url, JOBSCTL_API_KEY: 'key' }
    const shown = await runJobsctl(['integrity', '--all', '--output', 'table'], { env })
    expect(shown.out).toContain('scheduler without its next job')
    expect(shown.err).toContain('queue.upsertJobScheduler() in your application')
    const fix = await runJobsctl(['integrity', '--all', '--fix', '--yes'], { env })
    expect(fix).toMatchObject({ code: 2, err: expect.stringContaining('nothing was changed') })
  })
})
