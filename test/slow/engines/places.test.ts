import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

/** What the tests read of an answer. */
const Answer = z.looseObject({
  operation_id: z
    .number()
    .nullish()
    .transform((id) => id ?? 0),
  affected: z.number().default(0),
  deleted: z.number().default(0),
  conflict_count: z.number().default(0),
  conflict_reasons: z.array(z.object({ reason: z.string(), count: z.number() })).default([]),
  refused_count: z.number().default(0),
  refused: z.array(z.object({ job_id: z.string(), reason: z.string() })).default([]),
  preview: z.looseObject({ count: z.number(), token: z.string() }).default({ count: 0, token: '' }),
})

interface Row {
  policy: string
  state: string
  keys: readonly string[]
  /** The jobs have a time slot. */
  slot?: boolean | undefined
  upsert?: boolean | undefined
}

const inQueue = 'another job has its place in the queue'
const inSlot = 'its place is taken: the queue has another job with its key, or in its time slot'

describe.each([37, 46] as const)('a place that pg-boss with schema %i gives to one job', (version) => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        const place = { sql, version }
        await makePgBoss(place)
        for (const policy of ['standard', 'exclusive', 'stately', 'short', 'key_strict_fifo'])
          await makeQueue(place, policy, { policy })
        await makeQueue(place, 'mail', { deadLetter: 'exclusive' })
      },
      { records: 'pg-boss' },
    )
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    await sql`delete from jobsctl.jobsctl_held_jobs`
    await sql`delete from jobsctl.jobsctl_holds`
    await sql`delete from pgboss.job`
  })

  const post = async (path: string, body: object) => {
    const { status, body: answer } = await served.post(path, body)
    return { status, body: Answer.parse(answer) }
  }
  const insert = ({ policy, state, keys, slot = false, upsert = false }: Row) => sql`
    insert into pgboss.job (name, policy, state, singleton_key, singleton_on, completed_on, created_on
      ${version === 46 ? sql`, upsert_by_key` : sql``})
    select ${policy}, ${policy}, ${state}::pgboss.job_state, key, ${slot ? '2026-01-01' : null}::timestamp,
      case when ${state}::pgboss.job_state > 'active' then now() - interval '2 days' end, now() - interval '1 hour' + nth * interval '1 second'
      ${version === 46 ? sql`, ${upsert}::boolean` : sql``}
    from unnest(${[...keys]}::text[]) with ordinality as keys (key, nth)`

  /** Undoes an operation by its preview, and compares what was previewed with what came back. */
  async function undo(operation: number) {
    const path = `operations/${operation}/undo`
    const { body: asked } = await post(path, { dry_run: true })
    const { status, body: done } = await post(path, { preview_token: asked.preview.token })
    expect({ status, done }).toMatchObject({ status: 200 })
    const { conflict_count, conflict_reasons } = asked
    expect({ affected: asked.preview.count, conflict_count, conflict_reasons }).toEqual({
      affected: done.affected,
      conflict_count: done.conflict_count,
      conflict_reasons: done.conflict_reasons,
    })
    return done
  }

  it.each<{ was: Omit<Row, 'keys'>; taker: string; since?: 46 }>([
    { was: { policy: 'exclusive', state: 'created' }, taker: 'active' },
    { was: { policy: 'stately', state: 'retry' }, taker: 'retry' },
    { was: { policy: 'short', state: 'created' }, taker: 'created' },
    { was: { policy: 'key_strict_fifo', state: 'retry' }, taker: 'failed' },
    { was: { policy: 'standard', state: 'created', slot: true }, taker: 'completed' },
    { was: { policy: 'standard', state: 'created', upsert: true }, taker: 'created', since: 46 },
  ])(
    'is not previewed as free by the undo of a cancel: $was.policy, $was.state',
    async ({ was, taker, since = 37 }) => {
      if (version < since) return
      await insert({ ...was, keys: ['1', '2', '3'] })
      const { body } = await post('batch/cancel', { domain: 'pgboss', queue: was.policy })
      await insert({ ...was, state: taker, keys: ['2', 'another'] })
      expect(await undo(body.operation_id)).toMatchObject({
        affected: 2,
        conflict_count: 1,
        conflict_reasons: [{ reason: inQueue, count: 1 }],
      })
    },
  )

  it.each<Omit<Row, 'keys'>>([
    { policy: 'key_strict_fifo', state: 'failed' },
    { policy: 'standard', state: 'completed', slot: true },
  ])('is not previewed as free by the undo of a prune: $policy, $state', async (was) => {
    await insert({ ...was, keys: ['1', '2', '3'] })
    const request = { domain: 'pgboss', queue: was.policy, older_than_days: 1, statuses: [was.state] }
    const { body } = await post('prune', request)
    expect(body).toMatchObject({ deleted: 3 })
    await insert({ ...was, state: 'active', keys: ['2', 'another'] })
    expect(await undo(body.operation_id)).toMatchObject({
      affected: 2,
      conflict_count: 1,
      conflict_reasons: [{ reason: inSlot, count: 1 }],
    })
  })

  it('is not previewed as free by the undo of a redrive', async () => {
    await sql`
      insert into pgboss.job (name, policy, singleton_key, source_name, source_id)
      select 'exclusive', 'exclusive', n, 'mail', gen_random_uuid() from generate_series(1, 3) as n`
    const { body } = await post('redrive', { domain: 'pgboss', queue: 'exclusive' })
    expect(body).toMatchObject({ affected: 3 })
    await insert({ policy: 'exclusive', state: 'created', keys: ['2'] })
    expect(await undo(body.operation_id)).toMatchObject({
      affected: 2,
      conflict_count: 1,
      conflict_reasons: [{ reason: inSlot, count: 1 }],
    })
  })

  it('is no conflict of a job that has it itself', async () => {
    await insert({ policy: 'exclusive', state: 'created', keys: ['1', '2'] })
    const { body } = await post('batch/priority', { domain: 'pgboss', queue: 'exclusive', priority: 7 })
    expect(await undo(body.operation_id)).toMatchObject({ affected: 2, conflict_count: 0 })
  })

  /** Makes a change by its preview, and compares what was previewed with what it did. */
  async function apply(path: string, request: object) {
    const { body: asked } = await post(path, { domain: 'pgboss', ...request, dry_run: true })
    const { status, body: done } = await post(path, {
      domain: 'pgboss',
      ...request,
      preview_token: asked.preview.token,
    })
    expect({ status, affected: done.affected, refused: done.refused_count }).toEqual({
      status: 200,
      affected: asked.preview.count,
      refused: asked.refused_count,
    })
    return { asked, done }
  }
  /** The numbers of the jobs in a state, in the order of their age. */
  const inState = async (state: string) =>
    (
      await sql<{ nth: number }[]>`
        select nth from (select state, row_number() over (order by created_on)::int as nth from pgboss.job) as aged
        where state = ${state}::pgboss.job_state order by 1`
    ).map(({ nth }) => nth)

  it.each<Omit<Row, 'keys'>>([
    { policy: 'exclusive', state: 'failed' },
    { policy: 'stately', state: 'failed' },
    { policy: 'short', state: 'cancelled' },
    { policy: 'standard', state: 'cancelled', slot: true },
  ])('goes to the oldest of those that a retry finds: $policy, $state', async (was) => {
    await insert({ ...was, keys: ['1', '1', '1', '2', '1'] })
    const { asked } = await apply('retry-now', { queue: was.policy, status: [was.state] })
    expect(asked).toMatchObject({ preview: { count: 2 }, refused_count: 3 })
    expect(asked.refused.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 3 }, () => 'another job that matches takes its place in the queue'),
    )
    expect(await inState(was.state === 'failed' ? 'retry' : 'created')).toEqual([1, 4])
  })

  it('goes to a younger job where the retry does not ask for the older one', async () => {
    await insert({ policy: 'exclusive', state: 'failed', keys: ['1', '1', '1'] })
    const ids = (await sql<{ id: string }[]>`select id from pgboss.job order by created_on desc limit 2`).map(
      ({ id }) => `exclusive/${id}`,
    )
    const { asked } = await apply('retry-now', { ids })
    expect(asked).toMatchObject({ preview: { count: 1 }, refused_count: 1, refused: [{ job_id: ids[0] }] })
    expect(await inState('retry')).toEqual([2])
  })

  it.each<Omit<Row, 'keys'>>([
    { policy: 'exclusive', state: 'failed' },
    { policy: 'stately', state: 'failed' },
    { policy: 'short', state: 'cancelled' },
    { policy: 'standard', state: 'cancelled', slot: true },
  ])('goes by a plan to no job that its preview passed over: $policy, $state', async (was) => {
    await insert({ ...was, keys: ['1', '1', '2', '2', '3'] })
    const request = { domain: 'pgboss', queue: was.policy, status: [was.state] }
    const { body: planned } = await post('retry-now', { ...request, dry_run: true })
    const first = await sql<{ id: string }[]>`select id from pgboss.job where singleton_key <> '3' order by created_on`
    const ids = [`${was.policy}/${first[0]?.id}`, `${was.policy}/${first[2]?.id}`]
    expect(await post('retry-now', { ...request, ids })).toMatchObject({ body: { affected: 2 } })
    await sql`update pgboss.job set state = 'completed', completed_on = now() where state <= 'active'`
    // A job that came since the preview, and has ended, leaves the place as it was.
    await insert({ ...was, state: 'completed', slot: false, keys: ['3'] })
    await sql`update pgboss.job set created_on = now() where singleton_key = '3' and state = 'completed'`
    const preview_token = planned.preview.token
    expect(planned.preview.count).toBe(3)
    expect((await post('retry-now', { ...request, preview_token, dry_run: true })).body).toMatchObject({
      preview: { still_matching: 1 },
    })
    expect((await post('retry-now', { ...request, preview_token })).body).toMatchObject({
      affected: 1,
      refused_count: 2,
    })
    expect(await inState(was.state)).toHaveLength(2)
  })

  it('goes to the oldest job while a transaction is open that is older than all of them', async () => {
    const other = postgres(served.env.JOBS_DB_URL ?? '', { max: 1 })
    await other`begin`
    try {
      await other`select txid_current()`
      for (const key of ['1', '1', '2']) await insert({ policy: 'exclusive', state: 'failed', keys: [key] })
      const { asked, done } = await apply('retry-now', { queue: 'exclusive' })
      expect([asked.preview.count, asked.refused_count, done.affected, done.refused_count]).toEqual([2, 1, 2, 1])
    } finally {
      await other.end()
    }
  })

  it('goes to the oldest of the dead letters that a redrive finds', async () => {
    await sql`update pgboss.queue set dead_letter = 'standard' where name = 'exclusive'`
    await sql`
      insert into pgboss.job (name, singleton_key, source_name, source_id, created_on)
      select 'standard', n % 2, 'exclusive', gen_random_uuid(), now() + n * interval '1 second' from generate_series(1, 6) as n`
    const { asked } = await apply('redrive', { queue: 'standard' })
    expect(asked).toMatchObject({ preview: { count: 2 }, refused_count: 4 })
  })

  it('goes by a plan to no dead letter that its preview passed over', async () => {
    await sql`update pgboss.queue set dead_letter = 'standard' where name = 'exclusive'`
    const inserted = await sql<{ id: string }[]>`
      insert into pgboss.job (name, singleton_key, source_name, source_id, created_on)
      select 'standard', n % 2, 'exclusive', gen_random_uuid(), now() + n * interval '1 second' from generate_series(1, 6) as n
      returning id`
    const request = { domain: 'pgboss', queue: 'standard' }
    const { body: planned } = await post('redrive', { ...request, dry_run: true })
    const { body: other } = await post('redrive', { ...request, ids: [`standard/${inserted[0]?.id}`] })
    await sql`update pgboss.job set state = 'completed', completed_on = now() where name = 'exclusive'`
    const { body } = await post('redrive', { ...request, preview_token: planned.preview.token })
    expect([planned.preview.count, other.affected, body.affected]).toEqual([2, 1, 1])
    expect([planned.refused_count, body.refused_count]).toEqual([4, 4])
    expect((await post('redrive', { ...request, dry_run: true })).body).toMatchObject({ preview: { count: 1 } })
  })
})
