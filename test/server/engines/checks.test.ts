import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makePgBoss, makeQueue, type SchemaVersion } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const schema = `Queues "of" O'Brien`
const odd = `a/b "c" 'd' é%20x`

const Checks = z.object({
  processing_expired: z.number(),
  checks: z.array(
    z.object({
      check: z.string(),
      jobs: z.number().nullable(),
      at_least: z.boolean(),
      ids: z.array(z.string()),
      instead: z.string(),
    }),
  ),
})

const all = [
  'expired',
  'heartbeat_lost',
  'parent_gone',
  'parent_ended',
  'retention_over',
  'queue_gone',
  'dead_letter_gone',
]
const none = Object.fromEntries(all.map((check) => [check, 0]))

describe.each([37, 46] as const)('the checks of pg-boss with schema %i', (version: SchemaVersion) => {
  let served: ServedTables
  let sql: postgres.Sql
  const job = () => sql(`${schema}.job`)
  const edges = () => sql(`${schema}.job_dependency`)
  const env = () => ({ JOBSCTL_URL: served.url, JOBSCTL_API_KEY: 'key' })
  beforeAll(async () => {
    served = await serveTables(async (made) => {
      sql = made
      await makePgBoss({ sql, version, schema })
      await makeQueue({ sql, version, schema }, 'mail')
      await makeQueue({ sql, version, schema }, odd, { partition: true })
    })
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    await sql`truncate ${job()}, ${edges()}`
  })

  const check = async (body: object = {}) => {
    const { status, body: answer } = await served.post('integrity/sweep', body)
    expect(status).toBe(200)
    return Checks.parse(answer)
  }
  const counts = async (body: object = {}) =>
    Object.fromEntries((await check(body)).checks.map((one) => [one.check, one.jobs]))

  it('find nothing among jobs that wait, run and have ended as they should', async () => {
    await sql`
      insert into ${job()} (name, state, started_on, completed_on, heartbeat_on, heartbeat_seconds)
      select name, state::${sql(`${schema}.job_state`)}, now(), case when state > 'b' then now() end, now(), 60
      from unnest(array['mail', ${odd}]) as names (name)
      cross join unnest(array['created', 'retry', 'active', 'completed', 'failed', 'cancelled']) as states (state)`
    expect(await counts()).toEqual(none)
    const { code, out, err } = await runJobsctl(['integrity', '--all', '--detailed-exitcode'], { env: env() })
    expect({ code, out, err }).toEqual({ code: 0, out: '', err: expect.any(String) })
  })

  it('find running jobs past their time, and those without a heartbeat once', async () => {
    await sql`
      insert into ${job()} (name, state, started_on, heartbeat_on, heartbeat_seconds) values
        ('mail', 'active', now() - interval '20 minutes', now() - interval '20 minutes', 60),
        (${odd}, 'active', now() - interval '1 minute', now() - interval '30 seconds', 10)`
    const { processing_expired, checks } = await check()
    expect(processing_expired).toBe(2)
    const [expired, lost] = checks
    expect(expired).toMatchObject({
      check: 'expired',
      jobs: 1,
      at_least: false,
      instead: expect.stringContaining('supervise: true'),
    })
    expect(lost).toMatchObject({ check: 'heartbeat_lost', jobs: 1 })
    expect(await counts({ domain: schema, queue: odd })).toEqual({ ...none, heartbeat_lost: 1 })
    expect(await counts({ ids: lost?.ids })).toEqual({ ...none, heartbeat_lost: 1 })
    expect((await check({ domain: 'other' })).checks).toEqual([])
  })

  it('say that pg-boss looks after them where it does', async () => {
    await sql.unsafe(
      `alter table "${schema.replaceAll('"', '""')}".queue add column if not exists monitor_on timestamptz`,
    )
    const first = async () => (await check()).checks[0]?.instead
    await sql`update ${sql(`${schema}.queue`)} set monitor_on = now() where name = 'mail'`
    expect(await first()).toMatch(/^pg-boss runs these again/)
    await sql`update ${sql(`${schema}.queue`)} set monitor_on = '2026-01-02 03:04:05Z'`
    expect(await first()).toMatch(/last looked at its queues at 2026-01-02 03:04 UTC: start one with supervise: true/)
  })

  it('find jobs that wait for a job that is gone, or has failed, and none that is about to be told', async () => {
    const [gone, ended, told, waits] = Array.from({ length: 4 }, () => randomUUID())
    const [failed, completed, before, runs] = Array.from({ length: 4 }, () => randomUUID())
    await sql`
      insert into ${job()} (id, name, state, blocked, pending_dependencies, blocking) values
        (${gone ?? ''}, 'mail', 'created', true, 2, false), (${ended ?? ''}, ${odd}, 'retry', true, 1, false),
        (${told ?? ''}, 'mail', 'created', true, 1, false), (${waits ?? ''}, 'mail', 'created', true, 1, false),
        (${failed ?? ''}, 'mail', 'failed', false, 0, true), (${completed ?? ''}, ${odd}, 'completed', false, 0, true),
        (${before ?? ''}, 'mail', 'completed', false, 0, false), (${runs ?? ''}, 'mail', 'created', false, 0, true)`
    const edge = (child: string | undefined, of: string, parent: string | undefined, parentOf: string) => sql`
      insert into ${edges()} (child_name, child_id, parent_name, parent_id) values (${of}, ${child ?? ''}, ${parentOf}, ${parent ?? ''})`
    await edge(gone, 'mail', randomUUID(), 'mail')
    await edge(gone, 'mail', runs, 'mail')
    await edge(ended, odd, failed, 'mail')
    await edge(told, 'mail', completed, odd)
    // A parent that has told its children, and may be deleted since, counts no more.
    await edge(waits, 'mail', before, 'mail')
    await edge(waits, 'mail', runs, 'mail')
    await edge(waits, 'mail', randomUUID(), 'mail')
    const { checks } = await check()
    const ids = Object.fromEntries(checks.map((one) => [one.check, one.ids.map((id) => id.slice(-36))]))
    expect(ids).toMatchObject({ parent_gone: [gone], parent_ended: [ended] })
    expect(await counts()).toEqual({ ...none, parent_gone: 1, parent_ended: 1 })
  })

  it('find waiting jobs that pg-boss will delete unrun, and say that there may be more', async () => {
    await sql`
      insert into ${job()} (name, start_after, keep_until)
      select 'mail', now() - interval '30 days', now() - interval '16 days' from generate_series(1, 3)`
    await sql`insert into ${job()} (name, keep_until, state, completed_on) values ('mail', now() - interval '1 day', 'failed', now())`
    expect((await check()).checks.find((one) => one.check === 'retention_over')).toMatchObject({
      jobs: 3,
      at_least: false,
    })
    await sql`insert into ${job()} (name) select ${odd} from generate_series(1, 2001)`
    expect((await check()).checks.find((one) => one.check === 'retention_over')).toMatchObject({
      jobs: 3,
      at_least: true,
    })
    const { code, out, err } = await runJobsctl(['integrity', '--all', '--tsv', '--detailed-exitcode'], { env: env() })
    expect({ code, err }).toEqual({ code: 10, err: '' })
    expect(out).toMatch(/^retention_over\t3\ttrue\t/m)
    const [row] = await sql`select count(*)::int as count from ${job()}`
    expect(row?.count).toBe(2005)
    const unknown = await runJobsctl(['integrity', '--domain', schema, '--queue', odd, '--detailed-exitcode'], {
      env: env(),
    })
    expect(unknown).toMatchObject({
      code: 2,
      err: expect.stringContaining('not all jobs were compared: retention_over'),
    })
  })

  it('find jobs of queues that are gone, where no foreign key keeps pg-boss from deleting them', async () => {
    await makeQueue({ sql, version, schema }, 'gone')
    await makeQueue({ sql, version, schema }, 'letters')
    await sql`insert into ${job()} (name, state, dead_letter) values ('gone', 'created', null), ('mail', 'created', 'letters'), ('mail', 'completed', 'letters')`
    expect(await counts()).toEqual(none)
    await sql.unsafe(
      `alter table "${schema.replaceAll('"', '""')}".job_common drop constraint q_fkey, drop constraint dlq_fkey`,
    )
    await sql`delete from ${sql(`${schema}.queue`)} where name in ('gone', 'letters')`
    expect(await counts()).toEqual({ ...none, queue_gone: 1, dead_letter_gone: 1 })
    expect(await counts({ domain: schema, queue: 'gone' })).toEqual({ ...none, queue_gone: 1 })
  })

  it('repair nothing, and say so', async () => {
    await sql`insert into ${job()} (name, state, started_on) values ('mail', 'active', now() - interval '1 day')`
    const fixed = await runJobsctl(['integrity', '--all', '--fix', '--yes'], { env: env() })
    expect(fixed).toMatchObject({ code: 2, out: '', err: expect.stringContaining('nothing was changed') })
    const { out } = await runJobsctl(['integrity', '--all'], { env: env() })
    expect(out).toMatch(/^expired\t1\tfalse\t.*\tmail\/[-0-9a-f]{36}$/m)
  })
})
