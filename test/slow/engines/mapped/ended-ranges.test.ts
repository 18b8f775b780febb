import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const jobs = 5000
const Answer = z.looseObject({
  deleted: z.number().optional(),
  affected: z.number().optional(),
  skipped: z.number().optional(),
  refused_count: z.number().optional(),
  batches: z.number().optional(),
  operation_id: z.number().nullish(),
  preview: z.looseObject({ count: z.number(), token: z.string() }).optional(),
})

const map = `table: app.jobs
key: id
queue: {column: queue}
status: {column: state, map: {waits: queued, runs: processing, done: completed, dead: failed}}
times: {created: created_at, ended: ended_at}
prune: {of: [completed, failed]}
`

describe.each([
  ['timestamptz', 'timestamptz', 'create index on app.jobs (ended_at)'],
  ['a timestamp without a zone', 'timestamp', 'create index on app.jobs (ended_at desc, id)'],
  ['a time without an index of all rows', 'timestamptz', `create index on app.jobs (ended_at) where state = 'dead'`],
])('a prune of a mapped table by an index of %s', (_, type, index) => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveMapped(map, async (made) => {
      sql = made
      await sql.unsafe(`
          create schema app;
          create table app.jobs (id bigint primary key, queue text, state text, created_at timestamptz, ended_at ${type});
          insert into app.jobs
          select n, 'q' || n % 3, case when n % 10 = 0 then 'waits' when n % 10 < 3 then 'dead' else 'done' end,
            now() - interval '40 days',
            -- Of ten jobs one has ended lately and one does not tell when; many have ended together.
            case when n % 10 = 5 then now() when n % 10 not in (0, 6) then now() - interval '35 days' + n / 400 * interval '1 second' end
          from generate_series(1, ${jobs}) as n;
          ${index};
          analyze app.jobs;
          create table before as table app.jobs`)
    })
  })
  afterAll(() => served.close())

  const post = async (path: string, body: object) => {
    const { status, body: answer } = await served.post(path, body)
    expect({ status, answer }).toMatchObject({ status: 200 })
    return Answer.parse(answer)
  }
  const request = { domain: 'app', statuses: ['completed', 'failed'], older_than_days: 30 }

  it('deletes what the preview says, leaves a locked job and those that do not tell their end, and is undone', async () => {
    const old = `ended_at < now() - interval '30 days' and state <> 'waits'`
    const [{ expected }] = await sql<[{ expected: number }]>`
      select count(*)::int as expected from app.jobs where ${sql.unsafe(old)}`
    expect(expected).toBe(jobs * 0.7)
    const { preview } = await post('prune', { ...request, dry_run: true })
    expect(preview?.count).toBe(expected)
    const holder = await sql.reserve()
    await holder`begin`
    await holder`select from app.jobs where id in (1, 1601) for update`
    // The preview is bound to the rows of then: a job that was written since stays.
    const others = served.post('prune', { ...request, preview_token: preview?.token })
    const answered = await others
    await holder`rollback`
    holder.release()
    const pruned = Answer.parse(answered.body)
    expect(pruned).toMatchObject({ deleted: expected - 2, skipped: 2, refused_count: jobs * 0.1 })
    const [{ left }] = await sql<
      [{ left: number }]
    >`select count(*)::int as left from app.jobs where ${sql.unsafe(old)}`
    expect(left).toBe(2)
    expect(await post('prune', request)).toMatchObject({ deleted: 2 })
    expect(await post(`operations/${pruned.operation_id}/undo`, {})).toMatchObject({ affected: expected - 2 })
    const different = await sql`
      (table before except table app.jobs) union all (table app.jobs except table before)`
    expect(different.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual([1, 1601])
  })
})
