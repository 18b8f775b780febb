import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { countDiffering, emailMap, fillEmailJobs, makeEmailJobs } from '../../../support/engines/mapped.ts'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const Answer = z.looseObject({
  operation_id: z.number().nullish(),
  affected: z.number().default(0),
  detail: z.string().default(''),
  hint: z.string().default(''),
})

/** A number that no double has, and keys that jsonb keeps in an order of its own. */
const details = '{"x":[1.10,{"deep":12345678901234567890.10}],"long key":null,"a":"\u202e"}'

describe('an edit of jobs of a mapped table', () => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    const map = emailMap.replace('payload: {column: args}', 'payload: {column: details}')
    served = await serveMapped(map, async (made) => {
      sql = made
      await makeEmailJobs(sql, 'text')
      await fillEmailJobs(sql, 200)
      await sql`update app.email_jobs set details = ${details}::text::jsonb`
    })
    await sql`create table before as select *, to_jsonb(array(select null)) as none from app.email_jobs`
  })
  afterAll(() => served.close())

  const post = async (path: string, body: object) => {
    const answer = await served.post(path, body)
    return { status: answer.status, body: Answer.parse(answer.body) }
  }
  const undo = async (id: unknown) => (await post(`operations/${id}/undo`, {})).body
  const edit = (body: object) => post('batch/edit', { domain: 'app', ...body })

  it('changes the value alone, with its digits, and an undo gives it back unless somebody has changed it', async () => {
    const set = [{ path: 'payload.x.1.deep', json: '98765432109876543210.0100' }]
    const preview = await edit({ set, dry_run: true })
    expect(preview).toMatchObject({ status: 200, body: { affected: 40 } })
    expect(preview.body.examples).toMatchObject([{ differences: [{ path: 'payload.x.1.deep' }] }, {}, {}])
    expect(preview.body.left_out).toMatchObject({ running: 40, failed: 40, ended: 80, already_so: 0 })
    const { body } = await edit({ set })
    expect(body.affected).toBe(40)
    const [changed] = await sql`select distinct details::text as text from app.email_jobs where state = 0`
    expect(changed?.text).toBe('{"a": "\u202e", "x": [1.10, {"deep": 98765432109876543210.0100}], "long key": null}')
    expect(await edit({ set })).toMatchObject({ status: 200, body: { affected: 0 } })
    await sql`
      update app.email_jobs set details = details || '{"by": "them"}'
      where id = (select min(id) from app.email_jobs where state = 0)`
    expect(await undo(body.operation_id)).toMatchObject({ affected: 39, conflict_count: 1 })
    await sql`
      update app.email_jobs set details = ${details}::text::jsonb, lock_version = 2 where details ? 'by'`
    expect(await countDiffering(sql, 'lock_version')).toBe(0)
  })

  it('runs failed jobs again in the same change, with one undo', async () => {
    const asked = {
      set: [{ path: 'payload.retry', value: true }],
      unset: ['payload.a', 'owner_user_id'],
      next: 'retry',
    }
    const { body } = await edit(asked)
    expect(body.affected).toBe(80)
    const [states] = await sql`select count(*)::int as jobs from app.email_jobs where state = 0 and details ? 'retry'`
    expect(states).toEqual({ jobs: 80 })
    const [event] =
      await sql`select attrs_json as attrs from jobsctl.job_events where event_type = 'job.edited' order by id desc limit 1`
    expect(event?.attrs).toMatchObject({ paths: ['payload.retry', 'payload.a', 'owner_user_id'] })
    expect(await undo(body.operation_id)).toMatchObject({ affected: 80, conflict_count: 0 })
    expect(await countDiffering(sql, 'lock_version')).toBe(0)
  })

  it('is not of what another change was about: an undo of a priority leaves the payload as it is', async () => {
    const { body } = await post('batch/priority', { domain: 'app', priority: 2 })
    await sql`update app.email_jobs set details = '{"new": 1}' where state = 0`
    expect(await undo(body.operation_id)).toMatchObject({ affected: 40, conflict_count: 0 })
    const [row] = await sql`select count(*)::int as jobs from app.email_jobs where details = '{"new": 1}' and rank = 0`
    expect(row).toEqual({ jobs: 40 })
    await sql`update app.email_jobs set details = ${details}::text::jsonb where state = 0`
  })

  it('is refused for what the map does not declare, before anything is asked', async () => {
    const retries = await edit({ set: [{ path: 'max_retries', value: 3 }] })
    expect(retries).toMatchObject({ status: 422, body: { code: 'not_supported' } })
    expect(retries.body.detail).toBe(
      'the map of the table declares no column of its own for max_retries; nothing was changed',
    )
    expect(retries.body.hint).toBe('add max_attempts with a column of app.email_jobs to the map')
    expect(await edit({ set: [{ path: 'priority', value: 3 }], unset: ['available_at'] })).toMatchObject({
      body: { code: 'not_supported', hint: 'set available_at in place of emptying it' },
    })
    expect(await edit({ set: [{ path: 'payload.x.y', value: 3 }] })).toMatchObject({
      ...{ status: 200, body: { affected: 0 } },
    })
    expect(await countDiffering(sql, 'lock_version')).toBe(0)
  })

  it('has rules that are simulated by the jobs that are there, as lower bounds', async () => {
    const rule = { domain: 'app', at: '30 * * * *', time_zone: 'UTC', max: 1000, mode: 'apply' }
    const prune = { name: 'ended', ...rule, prune: { statuses: ['completed', 'failed'], older_than_days: 1 } }
    const sweep = { name: 'stuck', ...rule, sweep: { age_seconds: 86_400, action: 'cancel' } }
    const { status, body } = await post('policy/simulate', { rules: [prune, sweep], days: 2 })
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body.rules).toMatchObject([
      { name: 'ended', matched: 80, would_change: 80, at_least: true },
      { name: 'stuck', matched: 40, at_least: true },
    ])
    expect(JSON.stringify(body.rules)).toContain('The engine keeps no events of its jobs')
    expect(await countDiffering(sql, 'lock_version')).toBe(0)
  })
})
