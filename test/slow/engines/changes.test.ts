import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { fillPgBoss, makePgBoss, makeQueue, oddQueues } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'

const schema = `Queues "of" O'Brien`
const slashed = `a/b "c" 'd'`

/** What the tests read of an answer. */
const Answer = z.looseObject({
  operation_id: z
    .number()
    .nullish()
    .transform((id) => id ?? 0),
  affected: z.number().default(0),
  deleted: z.number().default(0),
  held_until: z.string().default(''),
  preview: z.looseObject({ count: z.number(), token: z.string() }).default({ count: 0, token: '' }),
})

describe.each([37, 46] as const)('a change of jobs of pg-boss with schema %i', (version) => {
  let served: ServedTables
  let sql: postgres.Sql
  const job = () => sql(`${schema}.job`)
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        await makePgBoss({ sql, version, schema })
        await makeQueue({ sql, version, schema }, 'one each', { policy: 'exclusive' })
        await fillPgBoss({ sql, version, schema })
        await makeQueue({ sql, version, schema }, slashed, { partition: true })
        await sql`insert into ${job()} (name, state, completed_on) select ${slashed}, 'failed', now() from generate_series(1, 10)`
        await sql`update ${job()} set completed_on = completed_on - interval '2 days' where completed_on is not null`
      },
      { records: 'pg-boss' },
    )
    await sql`create table before as select *, to_jsonb(j) as whole from ${job()} as j`
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    await sql`delete from jobsctl.jobsctl_held_jobs`
    await sql`delete from jobsctl.jobsctl_holds`
    await sql`delete from ${job()}`
    await sql`insert into ${job()} select ${columns()} from before`
  })

  const columns = () => sql.unsafe(`(jsonb_populate_record(null::"${schema.replaceAll('"', '""')}".job, whole)).*`)
  const post = async (path: string, body: object) => {
    const { status, body: answer } = await served.post(path, body)
    return { status, body: Answer.parse(answer) }
  }
  const counts = async () =>
    Object.fromEntries(
      (await sql<{ state: string; count: number }[]>`select state, count(*)::int from ${job()} group by state`).map(
        ({ state, count }) => [state, count],
      ),
    )
  /** How many jobs differ from those before, but for the times at which pg-boss deletes them. */
  const differing = async () => {
    const [row] = await sql<[{ count: number }]>`
      select count(*)::int as count from (
        (select whole - 'keep_until' - 'deletion_seconds' from before
          except all select to_jsonb(j) - 'keep_until' - 'deletion_seconds' from ${job()} as j)
        union all
        (select to_jsonb(j) - 'keep_until' - 'deletion_seconds' from ${job()} as j
          except all select whole - 'keep_until' - 'deletion_seconds' from before)
      ) as different`
    return row.count
  }
  const undone = async (operation: number) => (await post(`operations/${operation}/undo`, {})).body

  it.each([
    ['batch/cancel', { domain: schema }, 'affected'] as const,
    ['batch/priority', { domain: schema, priority: 7 }, 'affected'] as const,
    ['batch/reschedule', { domain: schema, delay_seconds: 86_400 }, 'affected'] as const,
    ['retry-now', { domain: schema, queue: slashed, only_failed: true }, 'affected'] as const,
    [
      'prune',
      { domain: schema, older_than_days: 1, statuses: ['completed', 'failed', 'cancelled'] },
      'deleted',
    ] as const,
  ])('by %s is what the preview says, and an undo gives every job back', async (path, request, count) => {
    const preview = await post(path, { ...request, dry_run: true })
    expect(preview).toMatchObject({ status: 200 })
    const changed = await post(path, { ...request, preview_token: preview.body.preview.token })
    expect({ status: changed.status, count: changed.body[count] }).toEqual({
      status: 200,
      count: preview.body.preview.count,
    })
    expect(changed.body[count]).toBeGreaterThan(5)
    expect(await differing()).toBeGreaterThan(5)
    expect(await undone(changed.body.operation_id)).toMatchObject({ affected: changed.body[count], conflict_count: 0 })
    expect(await differing()).toBe(0)
  })

  it('keeps what an undo gives back past the age at which pg-boss deletes it, and until the hold ends', async () => {
    await sql`update ${job()} set completed_on = now() - interval '30 days' where state = 'completed' and name = ${oddQueues.plain}`
    const { body } = await post('prune', { domain: schema, older_than_days: 20, statuses: ['completed'] })
    const { affected, held_until } = await undone(body.operation_id)
    expect(affected).toBe(body.deleted)
    const [row] = await sql`
      select
        count(*) filter (where completed_on + deletion_seconds * interval '1 second' < now())::int as deleted_at_once,
        bool_and(completed_on + deletion_seconds * interval '1 second' between ${held_until}::timestamptz and ${held_until}::timestamptz + interval '1 minute')
          as as_held
      from ${job()}
      where state = 'completed' and completed_on < now() - interval '20 days'`
    expect(row).toEqual({ deleted_at_once: 0, as_held: true })
    const again = await post('prune', { domain: schema, older_than_days: 20, statuses: ['completed'], dry_run: true })
    expect(again.body).toMatchObject({ preview: { count: 0 } })
  })

  it('prunes ended jobs without the time of their end by their creation', async () => {
    const old = sql`now() - interval '40 days'`
    await sql`update ${job()} set completed_on = null, created_on = ${old} where state = 'completed' and name = ${oddQueues.plain}`
    const [{ count }] = await sql<[{ count: number }]>`
      select count(*)::int as count from ${job()} where state = 'completed' and created_on <= ${old}`
    expect(count).toBeGreaterThan(0)
    const { body } = await post('prune', { domain: schema, older_than_days: 39, statuses: ['completed'] })
    expect(body).toMatchObject({ deleted: count })
  })

  it('puts a failed job back so that pg-boss does not delete it before it runs', async () => {
    await sql`update ${job()} set keep_until = now() - interval '1 day', start_after = now() - interval '2 days' where state = 'failed'`
    await post('retry-now', { domain: schema, queue: slashed, only_failed: true })
    const [row] = await sql`
      select count(*)::int as count, bool_and(keep_until > now() + interval '23 hours') as kept, bool_and(start_after <= now()) as due
      from ${job()}
      where state = 'retry' and name = ${slashed} and retry_limit = 3`
    expect(row).toEqual({ count: 10, kept: true, due: true })
  })

  it('does not retry a job whose copy waits in the dead letter queue', async () => {
    const { body } = await post('retry-now', { domain: schema, queue: oddQueues.plain, only_failed: true })
    expect(body).toMatchObject({ affected: 0 })
    await sql`update ${job()} set state = 'completed', completed_on = now() where name = ${oddQueues.dead}`
    const second = await post('retry-now', { domain: schema, queue: oddQueues.plain, only_failed: true })
    expect(second.body).toMatchObject({ affected: 10 })
  })

  it('retries no job whose place in its queue is taken, and all others', async () => {
    await sql`
      insert into ${job()} (name, policy, singleton_key, state, completed_on)
      select 'one each', 'exclusive', 'key ' || n, 'failed', now() from generate_series(1, 5) as n`
    await sql`
      insert into ${job()} (name, policy, singleton_key, state) select 'one each', 'exclusive', 'key ' || n, 'created' from generate_series(1, 2) as n`
    const { body } = await post('retry-now', { domain: schema, queue: 'one each', only_failed: true })
    expect(body).toMatchObject({ affected: 3 })
  })

  it('keeps a job on which another one waits, and says so in the preview and in the answer', async () => {
    await sql`
      update ${job()} set blocking = true where name = ${slashed} and id in (select id from ${job()} where name = ${slashed} limit 4)`
    const request = { domain: schema, older_than_days: 1, queue: slashed, statuses: ['failed'] }
    const refused = {
      refused_count: 4,
      refused: Array.from({ length: 4 }, () => ({
        job_id: expect.stringMatching(/^a%2Fb/),
        reason: 'another job waits for it',
      })),
    }
    expect((await post('prune', { ...request, dry_run: true })).body).toMatchObject({
      preview: { count: 6 },
      ...refused,
    })
    // How many copies the archive gets, about how large, and for how many days.
    const { body: kept } = await post('prune', { ...request, dry_run: true })
    expect(kept.preview).toMatchObject({ restorable: 6, kept_days: 7 })
    expect(Number(kept.preview.archive_bytes)).toBeGreaterThan(0)
    const { body: gone } = await post('prune', { ...request, dry_run: true, no_archive: true })
    expect(gone.preview).toMatchObject({ count: 6, restorable: 0, kept_days: null, archive_bytes: 0 })
    // What is too young, or what a hold keeps, stays for another reason.
    expect((await post('prune', { ...request, older_than_days: 9, dry_run: true })).body).not.toHaveProperty('refused')
    const { body } = await post('prune', request)
    expect(body).toMatchObject({ deleted: 6, ...refused })
    await undone(body.operation_id)
    const without = await post('prune', { ...request, queue: oddQueues.plain })
    expect(without.body).not.toHaveProperty('refused_count')
  })

  it('keeps an ended job that still waits for another one, which no undo could release', async () => {
    const request = { domain: schema, older_than_days: 1, queue: slashed, statuses: ['failed'] }
    await sql`update ${job()} set blocked = true where name = ${slashed}`
    expect((await post('prune', { ...request, dry_run: true })).body).toMatchObject({
      preview: { count: 0 },
      refused_count: 10,
    })
    const { body } = await post('prune', request)
    expect(body).toMatchObject({ deleted: 0, refused_count: 10 })
    expect(JSON.stringify(body)).toContain('it still waits for another job')
  })

  it('finds a deleted job in the archive by its uuid alone', async () => {
    const [one] = await sql<{ id: string }[]>`select id from ${job()} where name = ${slashed} limit 1`
    const { body } = await post('prune', { domain: schema, older_than_days: 1, queue: slashed, statuses: ['failed'] })
    const show = () =>
      call({ url: served.url, method: 'GET', path: `/api/v1/jobs/job?key=${one?.id}`, headers: { 'x-api-key': 'key' } })
    expect(await show()).toMatchObject({ status: 200, body: { uuid: one?.id } })
    await undone(body.operation_id)
    expect(await show()).toMatchObject({ status: 200, body: { uuid: one?.id } })
  })

  it('ends running jobs by force alone, and an undo leaves them', async () => {
    const { body } = await post('batch/cancel', { domain: schema, force: true, status: ['processing'] })
    expect(body).toMatchObject({ cancelled: 30 })
    expect(await counts()).toMatchObject({ cancelled: 60 })
    expect(await undone(body.operation_id)).toMatchObject({ affected: 0, conflict_count: 30 })
  })

  it('gives back the rest where a queue was deleted since', async () => {
    await makeQueue({ sql, version, schema }, 'short-lived')
    await sql`
      insert into ${job()} (name, state, completed_on) select 'short-lived', 'completed', now() - interval '2 days' from generate_series(1, 4)`
    await sql`insert into ${job()} (name) values ('short-lived')`
    const { body } = await post('prune', { domain: schema, older_than_days: 1, statuses: ['completed'] })
    await sql`delete from ${job()} where name = 'short-lived'`
    await sql`delete from ${sql(`${schema}.queue`)} where name = 'short-lived'`
    const back = await undone(body.operation_id)
    expect(back).toMatchObject({
      affected: body.deleted - 4,
      conflict_count: 4,
      conflict_reasons: [{ reason: 'its queue was deleted' }],
    })
    expect(await differing()).toBe(0)
  })

  it('takes jobs that are named by their keys', async () => {
    const ids = await sql<{ key: string }[]>`
      select replace(replace(name, '%', '%25'), '/', '%2F') || '/' || id as key from ${job()} where name = ${slashed} limit 3`
    const keys = ids.map(({ key }) => key)
    const { body } = await post('retry-now', { ids: keys, only_failed: true })
    expect(body).toMatchObject({ affected: 3 })
    expect(await undone(body.operation_id)).toMatchObject({ affected: 3 })
    const one = await post('retry-now', { job_id: keys[0], only_failed: true })
    expect(one.body).toMatchObject({ affected: 1 })
    const held = await post('holds', { ids: keys, until: new Date(Date.now() + 86_400_000).toISOString() })
    expect(held.status).toBe(201)
    const request = { domain: schema, queue: slashed, older_than_days: 1, statuses: ['failed'], dry_run: true }
    expect((await post('prune', request)).body).toMatchObject({ preview: { count: 7 } })
  })

  it.each([
    ['ttl/sweep', { age_seconds: 1, action: 'fail', domain: schema }],
    ['integrity/sweep', { fix: true, domain: schema }],
    ['batch/requeue_quarantined', { domain: schema }],
  ])('that pg-boss cannot is refused, and changes nothing: %s', async (path, request) => {
    expect(await post(path, request)).toMatchObject({ status: 422, body: { code: 'not_supported' } })
    expect(await differing()).toBe(0)
  })

  it('leaves the archive when its term is over', async () => {
    const { body } = await post('prune', { domain: schema, older_than_days: 1, statuses: ['completed'] })
    await sql`update jobsctl.pgboss_archive set archived_at = now() - interval '90 days'`
    await sql`update jobsctl.job_operations set ended_at = now() - interval '90 days', started_at = now() - interval '90 days'`
    expect(body.deleted).toBeGreaterThan(5)
    // A server looks soon after its start.
    const second = await startServer(served.env)
    await until(
      'the archive is empty',
      async () => (await sql`select from jobsctl.pgboss_archive limit 1`).length === 0,
    )
    await second.stop()
  })

  it('ends before it changes a job of tables that pg-boss has migrated since, and says what must be done first', async () => {
    // The last test: the server changes nothing until it has looked at the tables again.
    await sql.unsafe(`create function app_migrates() returns trigger language plpgsql as $$ begin
      update "${schema.replaceAll('"', '""')}".version set version = ${version + 1}; return null; end $$`)
    await sql`create trigger app_migrates after update on ${job()} execute function app_migrates()`
    const answer = await served.post('batch/priority', { domain: schema, priority: 7, rate: 2 })
    await sql`drop trigger app_migrates on ${job()}`
    expect(answer).toMatchObject({
      status: 503,
      body: {
        code: 'partial',
        detail: expect.stringMatching(/ has migrated its tables in .*; 1 job was changed before that, and no more/),
        hint: 'start the server again, which looks at the tables as they are now; then run it again to go on',
      },
    })
    const [row] = await sql`select count(*)::int as changed, (select max(id)::text from jobsctl.job_operations) as id
      from ${job()} where priority = 7`
    expect(row).toMatchObject({ changed: 1 })
    expect(await served.get(`/api/v1/jobs/operations/${row?.id}/progress`)).toMatchObject({
      body: expect.stringMatching(/"hint":"start the server again[^"]*; then run it again to go on"/),
    })
    expect(await served.jobsctl('priority', '--domain', schema, '--to', '8', '--yes')).toMatchObject({
      err: expect.stringContaining('start the server again'),
    })
    await sql`update ${sql(`${schema}.version`)} set version = ${version}`
  })
})
