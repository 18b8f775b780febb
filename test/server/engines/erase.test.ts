import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const schema = `Queues "of" O'Brien`
const odd = `a/b "c" 'd' é%20x`
const person = 'ann-lee-4711'

const Answer = z.looseObject({
  operation_id: z.number().nullish(),
  deleted: z.number().default(0),
  affected: z.number().default(0),
  preview: z.looseObject({ count: z.number(), token: z.string() }).optional(),
})

describe.each([37, 46] as const)('an erasure of jobs of pg-boss with schema %i', (version) => {
  let served: ServedTables
  let sql: postgres.Sql
  const job = () => sql(`${schema}.job`)
  const env = () => ({ JOBSCTL_URL: served.url, JOBSCTL_API_KEY: 'key' })
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        await makePgBoss({ sql, version, schema })
        await makeQueue({ sql, version, schema }, 'mail')
        await makeQueue({ sql, version, schema }, odd, { partition: true })
      },
      { records: 'pg-boss' },
    )
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    await sql`truncate ${job()}`
    await sql`delete from jobsctl.jobsctl_held_jobs`
    await sql`delete from jobsctl.jobsctl_holds`
    await sql`delete from jobsctl.pgboss_archive`
    await sql`delete from jobsctl.job_operation_rows`
    await sql`delete from jobsctl.job_events`
    await sql`delete from jobsctl.jobsctl_agent_calls`
  })

  const post = async (path: string, body: object) => {
    const { status, body: answer } = await served.post(path, body)
    return { status, body: Answer.parse(answer) }
  }
  /** A failed job of the person in each queue, a waiting one, and as many of somebody else. */
  async function fill() {
    await sql`
      insert into ${job()} (name, state, group_id, data, completed_on)
      select name, state::${sql(`${schema}.job_state`)}, owner, jsonb_build_object('to', owner), case when state <> 'created' then now() - interval '9 days' end
      from unnest(array['mail', ${odd}]) as names (name)
      cross join unnest(array['failed', 'completed', 'created']) as states (state)
      cross join unnest(array[${person}::text, 'bob']) as owners (owner)`
  }
  /** Where the database has the person: tables of ours and of pg-boss. */
  async function tablesWith(): Promise<string[]> {
    const tables = await sql<{ name: string }[]>`
      select quote_ident(nspname) || '.' || quote_ident(relname) as name
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where relkind = 'r' and nspname = any(${['jobsctl', schema]}) order by 1`
    const found: string[] = []
    for (const { name } of tables) {
      const [row] =
        await sql`select from ${sql.unsafe(name)} as t where to_jsonb(t)::text like ${`%${person}%`} limit 1`
      if (row) found.push(name)
    }
    return found
  }
  const prune = (more: object = {}) =>
    post('prune', { domain: schema, older_than_days: 1, statuses: ['completed'], ...more })
  const own = { domain: schema, owner_user_id: person }

  it('leaves nothing of a person in rows, archive, images and events, and no undo brings a job back', async () => {
    await fill()
    const pruned = await prune()
    expect(pruned.body.deleted).toBe(4)
    const retried = await post('retry-now', { domain: schema, only_failed: true })
    expect(retried.body.affected).toBe(4)
    await sql`
      insert into jobsctl.jobsctl_agent_calls (caller, principal, tool, filter, rows, fields)
      select 'a', 'ann', 'list_jobs', json_build_object('owner_user_id', owner), 1, '{id}' from unnest(array[${person}::text, 'bob']) as asked (owner)`
    expect(await tablesWith()).toEqual(
      expect.arrayContaining(['jobsctl.pgboss_archive', 'jobsctl.job_events', 'jobsctl.jobsctl_agent_calls']),
    )
    const preview = await post('erase', { ...own, dry_run: true })
    expect(preview).toMatchObject({
      status: 200,
      body: { preview: { count: 6 }, passed_over: { running: 0, held: 0, needed: 0 } },
    })
    const erased = await post('erase', { ...own, preview_token: preview.body.preview?.token })
    expect(erased).toMatchObject({
      status: 200,
      body: { affected: 6, erased: { jobs: 4, archived: 2, gone: 0, row_images: 2, events: 2 } },
    })
    expect(await tablesWith()).toEqual([])
    const calls = await sql<{ filter: string }[]>`select filter from jobsctl.jobsctl_agent_calls order by id`
    expect(calls.map(({ filter }) => filter)).toEqual(['{"erased": true}', expect.stringContaining('bob')])
    const [left] = await sql`select count(*)::int as count from ${job()}`
    expect(left?.count).toBe(4)
    const back = await post(`operations/${pruned.body.operation_id}/undo`, {})
    expect(back.body).toMatchObject({ affected: 2 })
    expect(await tablesWith()).toEqual([])
  })

  it('of copies alone leaves the jobs, for a script that deletes them itself', async () => {
    await fill()
    const pruned = await prune()
    await sql`delete from ${job()} where group_id = ${person}`
    const { code, out } = await runJobsctl(['erase', '--owner', person, '--copies-only', '--yes', '--json'], {
      env: env(),
    })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ affected: 2, erased: { jobs: 0, archived: 2 } })
    expect(await tablesWith()).toEqual([])
    expect((await post(`operations/${pruned.body.operation_id}/undo`, {})).body).toMatchObject({ affected: 2 })
    await fill()
    const kept = await post('erase', { ...own, copies_only: true })
    expect(kept).toMatchObject({ status: 200, body: { affected: 0, erased: { jobs: 0 } } })
  })

  it('finds jobs by a value of their payload and by their keys, archived ones too', async () => {
    await fill()
    await prune({ queue: odd })
    const byPayload = await post('erase', { payload: [{ path: 'to', value: person }] })
    expect(byPayload.body).toMatchObject({ affected: 6, erased: { jobs: 5, archived: 1 } })
    const keys = await sql<{ key: string; state: string }[]>`
      select replace(replace(name, '%', '%25'), '/', '%2F') || '/' || id as key, state::text from ${job()} where name = ${odd}`
    const archived = await sql<{ key: string }[]>`
      select replace(replace(name, '%', '%25'), '/', '%2F') || '/' || id as key from jobsctl.pgboss_archive`
    const ids = [...keys, ...archived].map(({ key }) => key)
    expect(ids).toHaveLength(3)
    expect((await post('erase', { ids })).body).toMatchObject({ affected: 3, erased: { jobs: 2, archived: 1 } })
  })

  it('passes over running jobs, held ones, and those on which others wait, and counts each', async () => {
    await fill()
    await sql`update ${job()} set state = 'active' where name = 'mail' and state = 'created'`
    await sql`update ${job()} set blocking = true where name = 'mail' and state = 'completed'`
    const held = await post('holds', {
      domain: schema,
      queue: odd,
      status: ['failed'],
      until: new Date(Date.now() + 86_400_000).toISOString(),
    })
    expect(held.status).toBe(201)
    const passed_over = { running: 1, held: 1, needed: 1 }
    expect((await post('erase', { ...own, dry_run: true })).body).toMatchObject({ preview: { count: 3 }, passed_over })
    const { code, err } = await runJobsctl(['erase', '--owner', person, '--yes'], { env: env() })
    expect({ code, err }).toEqual({ code: 9, err: expect.stringContaining('on which other jobs wait: passed over') })
    const [left] = await sql`select count(*)::int as count from ${job()} where group_id = ${person}`
    expect(left?.count).toBe(3)
  })

  it('overwrites events of jobs that are gone, whatever the name of their queue', async () => {
    const [one, two] = [randomUUID(), randomUUID()]
    const events = (queue: string, id: string) => sql`
      insert into jobsctl.job_events (job_key, domain, queue, job_type, event_type, attrs_json, owner_user_id)
      values (${`${queue.replaceAll('%', '%25').replaceAll('/', '%2F')}/${id}`}, ${schema}, ${queue}, '', 'job.retried', '{}', ${person})`
    await events('mail', one)
    await events(odd, two)
    await sql`insert into ${job()} (id, name, group_id, state) values (${two}, ${odd}, ${person}, 'active')`
    expect((await post('erase', { ...own, dry_run: true })).body).toMatchObject({ preview: { count: 1 } })
    expect((await post('erase', own)).body).toMatchObject({ affected: 1, erased: { gone: 1, events: 1 } })
    const left = await sql`select queue from jobsctl.job_events where owner_user_id is not null`
    expect([...left]).toEqual([{ queue: odd }])
  })

  it('names the schedule of pg-boss that has the person, and leaves it', async () => {
    const schedule = sql(`${schema}.schedule`)
    await sql`create table ${schedule} (name text, cron text, data jsonb)`
    await sql`insert into ${schedule} values ('mail', '* * * * *', ${sql.json({ to: person })}), ('mail', '* * * * *', '{}')`
    const not_touched = [{ table: `"${schema.replaceAll('"', '""')}".schedule`, rows: 1 }]
    expect((await post('erase', { ...own, dry_run: true })).body).toMatchObject({ not_touched })
    const payload = [{ path: 'to', value: person }]
    expect((await post('erase', { payload, dry_run: true })).body).toMatchObject({ not_touched })
    await sql`drop table ${schedule}`
    expect((await post('erase', { payload, dry_run: true })).body).not.toHaveProperty('not_touched')
  })

  it('ends before it changes a job of tables that pg-boss has migrated since', async () => {
    await fill()
    await sql`update ${sql(`${schema}.version`)} set version = version + 1`
    const answer = await post('erase', own)
    await sql`update ${sql(`${schema}.version`)} set version = ${version}`
    expect(answer.status).toBe(409)
    const [left] = await sql`select count(*)::int as count from ${job()} where group_id = ${person}`
    expect(left?.count).toBe(6)
  })
})
