import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const schema = `Queues "of" O'Brien`
const dead = `dead/"letters" 'é'%`
const mail = `a/b "c" 'd'`
const long = 'q'.repeat(200)

/** What the tests read of an answer. */
const Answer = z.looseObject({
  operation_id: z
    .number()
    .nullish()
    .transform((id) => id ?? 0),
  affected: z.number().default(0),
  refused_count: z.number().default(0),
  refused: z.array(z.object({ job_id: z.string(), reason: z.string() })).default([]),
  preview: z.looseObject({ count: z.number(), token: z.string() }).default({ count: 0, token: '' }),
})

describe.each([37, 46] as const)('a redrive of dead letters of pg-boss with schema %i', (version) => {
  let served: ServedTables
  let sql: postgres.Sql
  const job = () => sql(`${schema}.job`)
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        const place = { sql, version, schema }
        await makePgBoss(place)
        await makeQueue(place, dead)
        await makeQueue(place, mail, { deadLetter: dead, partition: true })
        await makeQueue(place, long, { deadLetter: dead })
        for (const policy of ['exclusive', 'stately', 'short'])
          await makeQueue(place, policy, { policy, deadLetter: dead })
      },
      { records: 'pg-boss' },
    )
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    for (const table of ['jobsctl_held_jobs', 'jobsctl_holds', 'pgboss_archive', 'job_operation_rows'])
      await sql`delete from ${sql(`jobsctl.${table}`)}`
    await sql`delete from ${job()}`
  })

  const post = async (path: string, body: object) => {
    const { status, body: answer } = await served.post(path, body)
    return { status, body: Answer.parse(answer) }
  }
  const redrive = (more: object = {}) => post('redrive', { domain: schema, queue: dead, ...more })
  const undo = async (operation: number) => (await post(`operations/${operation}/undo`, {})).body

  /** Failed jobs of a queue, as pg-boss leaves them: each with its copy in the dead letter queue. */
  const fail = (queue: string, count: number) => sql`
    with failed as (
      insert into ${job()} (name, state, data, priority, completed_on, retry_count, policy, singleton_key, dead_letter)
      select ${queue}, 'failed', jsonb_build_object('n', n), n, now(), 2, ${queue.length < 10 ? queue : null}, 'key ' || n, ${dead}
      from generate_series(1, ${count}::int) as n
      returning *
    )
    insert into ${job()} (name, data, priority, singleton_key, keep_until, source_name, source_id, source_retry_count, created_on)
    select ${dead}, data, priority, singleton_key, now() + interval '1 hour', name, id, 2, now() + priority * interval '1 second' from failed`
  const rows = async (queue?: string) =>
    (
      await sql<{ row: Record<string, unknown> }[]>`
        select to_jsonb(j) - 'keep_until' - 'deletion_seconds' as row
        from ${job()} as j ${queue === undefined ? sql`` : sql`where name = ${queue}`} order by name, id`
    ).map(({ row }) => row)
  const reasons = ({ refused }: z.output<typeof Answer>) => [...new Set(refused.map(({ reason }) => reason))]

  it('gives no dead letter back beside a new job that a trigger keeps', async () => {
    await fail(mail, 2)
    const { body } = await redrive()
    expect(body).toMatchObject({ affected: 2 })
    const before = await rows()
    await sql.unsafe(`create function keep() returns trigger language plpgsql as 'begin return null; end'`)
    await sql`create trigger keep before delete on ${job()} for each row execute function keep()`
    const undone = await post(`operations/${body.operation_id}/undo`, {})
    await sql`drop function keep() cascade`
    expect(undone).toMatchObject({ status: 409, body: { detail: expect.stringMatching(/keep.* lets no delete/) } })
    expect(await rows()).toEqual(before)
  })

  it('moves what the preview says as new jobs of their queues, and an undo gives every dead letter back', async () => {
    await fail(mail, 20)
    await fail(long, 3)
    const before = await rows()
    const preview = await redrive({ dry_run: true })
    expect(preview).toMatchObject({ status: 200, body: { preview: { count: 23 } } })
    const { status, body } = await redrive({ preview_token: preview.body.preview.token })
    expect({ status, affected: body.affected }).toEqual({ status: 200, affected: 23 })
    expect(await rows(dead)).toEqual([])
    const moved = (await rows(mail)).filter(({ state }) => state === 'created')
    expect(moved.map(({ priority }) => Number(priority)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    )
    expect(moved[0]).toMatchObject({
      retry_count: 0,
      output: null,
      source_name: null,
      source_id: null,
      dead_letter: dead,
    })
    const undone = await undo(body.operation_id)
    expect(undone).toMatchObject({ affected: 23, conflict_count: 0 })
    expect(await rows()).toEqual(before)
    expect(await sql`select from jobsctl.pgboss_archive`).toHaveLength(0)
    expect(await undo(body.operation_id)).toMatchObject({ affected: 0 })
    // Again, as the hold of the undo is over no redrive.
    expect((await redrive()).body).toMatchObject({ affected: 23 })
  })

  it('gives dead letters back so that pg-boss keeps them until the hold ends', async () => {
    await fail(mail, 3)
    await sql`update ${job()} set keep_until = now() + interval '1 second' where name = ${dead}`
    const { body } = await redrive()
    await undo(body.operation_id)
    const [row] =
      await sql`select bool_and(keep_until > now() + interval '6 days') as kept, count(*)::int from ${job()} where name = ${dead}`
    expect(row).toEqual({ kept: true, count: 3 })
  })

  it('takes the dead letters of one queue that they came from, and those that are named', async () => {
    await fail(mail, 4)
    await fail(long, 3)
    expect((await redrive({ job_type: mail })).body).toMatchObject({ affected: 4 })
    const [one] = await sql<{ id: string }[]>`select id from ${job()} where name = ${dead} limit 1`
    expect((await post('redrive', { job_id: one?.id })).body).toMatchObject({ affected: 1 })
    expect((await redrive()).body).toMatchObject({ affected: 2 })
    expect((await redrive()).body).toMatchObject({ affected: 0, refused_count: 0 })
  })

  it('leaves a dead letter whose original was retried, with the reason, and one that the dead letter queue has run', async () => {
    await fail(mail, 6)
    for (const [n, state] of ['retry', 'active', 'completed', 'cancelled'].entries())
      await sql`update ${job()} set state = ${state}::${sql(`${schema}.job_state`)} where name = ${mail} and priority = ${n + 1}`
    await sql`update ${job()} set state = 'failed', completed_on = now() where name = ${dead} and priority = 5`
    const preview = (await redrive({ dry_run: true })).body
    expect(preview).toMatchObject({ affected: 1, refused_count: 4 })
    const { body } = await redrive()
    expect(body).toMatchObject({ affected: 1, refused_count: 4 })
    expect(reasons(body).toSorted()).toEqual([
      'its original waits or runs again',
      'its original was retried, and has completed',
      'its original was retried, and is cancelled',
    ])
    expect(await rows(dead)).toHaveLength(5)
  })

  it.each([
    ['redrive', { job_type: mail }],
    ['prune', { job_type: mail, older_than_days: 1, statuses: ['completed'] }],
  ] as const)('is undone, as a %s is, after its queue has no dead letter queue any more', async (path, request) => {
    await fail(mail, 3)
    if (path === 'prune')
      await sql`update ${job()} set state = 'completed', completed_on = now() - interval '2 days' where name = ${dead}`
    const { body } = await post(path, { domain: schema, queue: dead, ...request })
    expect(await rows(dead)).toHaveLength(0)
    await sql`update ${sql(`${schema}.queue`)} set dead_letter = null where dead_letter = ${dead}`
    const undone = await undo(body.operation_id)
    await sql`update ${sql(`${schema}.queue`)} set dead_letter = ${dead} where name <> ${dead}`
    expect(undone).toMatchObject({ affected: 3, conflict_count: 0 })
    expect(await rows(dead)).toHaveLength(3)
  })

  it('leaves what names no queue, or one that was deleted', async () => {
    await makeQueue({ sql, version, schema }, 'short-lived')
    await fail('short-lived', 2)
    await sql`delete from ${job()} where name = 'short-lived'`
    await sql`delete from ${sql(`${schema}.queue`)} where name = 'short-lived'`
    await sql`insert into ${job()} (name) values (${dead})`
    const { body } = await redrive()
    expect(body).toMatchObject({ affected: 0, refused_count: 3 })
    expect(reasons(body).toSorted()).toEqual([
      'it names no queue that it came from',
      'the queue that it came from was deleted',
    ])
  })

  it.each(['exclusive', 'stately', 'short'])('leaves what has no place in its queue: %s', async (policy) => {
    await fail(policy, 4)
    await sql`insert into ${job()} (name, policy, singleton_key) values (${policy}, ${policy}, 'key 1')`
    // Two dead letters for one place: the older one has it.
    await sql`update ${job()} set singleton_key = 'key 3' where name = ${dead} and singleton_key = 'key 2'`
    const { body } = await redrive()
    expect(body).toMatchObject({ affected: 2, refused_count: 2 })
    expect(reasons(body)).toEqual(['another job has its place in the queue'])
    expect(
      (await rows(policy))
        .filter(({ state }) => state === 'created')
        .map(({ priority }) => priority)
        .toSorted(),
    ).toEqual([0, 2, 4])
    expect((await rows(dead)).map(({ state }) => state)).toEqual(['created', 'created'])
  })

  it('counts each dead letter without a place once, however many they are', async () => {
    await fail('exclusive', 250)
    await sql`update ${job()} set singleton_key = 'one' where name = ${dead}`
    expect((await redrive()).body).toMatchObject({ affected: 1, refused_count: 249 })
  })

  it('keeps the original from a retry once its copy has moved, until the redrive is undone', async () => {
    await fail(mail, 2)
    const { body } = await redrive()
    const retry = () => post('retry-now', { domain: schema, queue: mail, only_failed: true })
    const refused = (await retry()).body
    expect(refused).toMatchObject({ affected: 0, refused_count: 2 })
    expect(reasons(refused)).toEqual(['its copy was moved back out of the dead letter queue'])
    await undo(body.operation_id)
    expect(reasons((await retry()).body)).toEqual(['a copy of it waits in the dead letter queue'])
    await sql`delete from ${job()} where name = ${dead}`
    expect((await retry()).body).toMatchObject({ affected: 2 })
  })

  it('leaves by an undo what has run or was changed since, with the reason', async () => {
    await fail(mail, 6)
    const { body } = await redrive()
    for (const [n, state] of ['active', 'completed', 'failed'].entries())
      await sql`
        update ${job()} set state = ${state}::${sql(`${schema}.job_state`)}, started_on = now()
        where name = ${mail} and state = 'created' and priority = ${n + 1}`
    await sql`update ${job()} set start_after = now() + interval '1 day' where name = ${mail} and state = 'created' and priority = 4`
    await sql`delete from ${job()} where name = ${mail} and state = 'created' and priority = 5`
    const conflicts = {
      conflict_count: 5,
      conflict_reasons: expect.arrayContaining([
        { reason: 'the job that was made of it has gone on, and is processing', count: 1 },
        { reason: 'the job that was made of it has gone on, and is completed', count: 1 },
        { reason: 'the job that was made of it has gone on, and is failed', count: 1 },
        { reason: 'the job that was made of it was changed since', count: 1 },
        { reason: 'the job that was made of it is deleted', count: 1 },
      ]),
    }
    const preview = await post(`operations/${body.operation_id}/undo`, { dry_run: true })
    expect(preview.body).toMatchObject({ affected: 1, ...conflicts })
    expect(await undo(body.operation_id)).toMatchObject({ affected: 1, ...conflicts })
    expect((await rows(dead)).map(({ priority }) => priority)).toEqual([6])
  })

  it('passes over a dead letter, and over an original, that another transaction has locked', async () => {
    await fail(mail, 5)
    const other = postgres(served.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    try {
      await other.begin(async (tx) => {
        await tx`select from ${tx(`${schema}.job`)} where name = ${dead} and priority = 1 for update`
        await tx`select from ${tx(`${schema}.job`)} where name = ${mail} and priority = 2 for update`
        expect((await redrive()).body).toMatchObject({ affected: 3, skipped_locked: 2 })
      })
      expect((await redrive()).body).toMatchObject({ affected: 2 })
    } finally {
      await other.end()
    }
  })

  it('is a record with the events of its jobs, and ends before a job of tables of another version', async () => {
    await fail(mail, 2)
    const { body } = await redrive()
    const events = await sql`
      select attrs_json ->> 'moved_to' as moved_to, job_key from jobsctl.job_events where event_type = 'job.redriven' order by id desc limit 2`
    const encoded = (name: string) => name.replaceAll('%', '%25').replaceAll('/', '%2F')
    expect(
      events.every(({ moved_to, job_key }) => moved_to.startsWith(encoded(mail)) && job_key.startsWith(encoded(dead))),
    ).toBe(true)
    const [record] =
      await sql`select kind, affected::int, state from jobsctl.job_operations where id = ${body.operation_id}`
    expect(record).toEqual({ kind: 'redrive', affected: 2, state: 'done' })
    // The last test: the server changes nothing until it has looked at the tables again.
    await fail(mail, 2)
    await sql`update ${sql(`${schema}.version`)} set version = version + 1`
    const late = await redrive()
    await sql`update ${sql(`${schema}.version`)} set version = ${version}`
    expect(late.status).toBe(409)
    expect(await rows(dead)).toHaveLength(2)
  })
})
