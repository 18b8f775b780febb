import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase } from '../../../support/database/database.ts'
import { mapFile } from '../../../support/engines/mapped.ts'
import { type ServedTables, serveTables } from '../../../support/engines/serve-tables.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const map = `table: app.tasks
key: id
queue: mail
status: {column: state, map: {0: queued, 2: completed, 3: failed}}
times: {created: created_at, due: run_after, ended: ended_at}
retry: {set: {state: 0, run_after: now(), ended_at: null}}
prune: {of: [completed, failed]}
`
const jobs = 600

/** A table with two partitions by ranges, with jobs in both. */
async function makeTasks(sql: postgres.Sql, by: 'created_at' | 'id', unique: string): Promise<void> {
  const [from, middle, to] =
    by === 'id' ? ['minvalue', `${jobs / 2}`, `${jobs * 2}`] : [`'2025-01-01'`, `'2026-01-01'`, `'2027-01-01'`]
  await sql.unsafe(`
    create schema app;
    create sequence app.ids;
    create table app.tasks (
      id bigint not null default nextval('app.ids'), state smallint not null default 0, created_at timestamptz not null default now(),
      run_after timestamptz, ended_at timestamptz, args jsonb ${unique}
    ) partition by range (${by});
    create table app.tasks_old partition of app.tasks for values from (${from}) to (${middle});
    create table app.tasks_new partition of app.tasks for values from (${middle}) to (${to});
    insert into app.tasks (state, created_at, ended_at, args)
    select (array[0, 2, 3])[1 + n % 3], timestamptz '2025-06-01' + n % 2 * interval '1 year',
      case when n % 3 > 0 then timestamptz '2026-06-02' end, jsonb_build_object('n', n)
    from generate_series(1, ${jobs}) as n;
    create table app.before as select * from app.tasks`)
}

/** Adds a partition with waiting jobs, drops the one before, and so on until it is told to end. */
function addPartitions(sql: postgres.Sql, by: 'created_at' | 'id') {
  let [added, isOver] = [0, false]
  const bound = (n: number) => (by === 'id' ? `${(n + 1) * 10_000}` : `timestamptz '2030-01-01' + interval '${n} days'`)
  const loop = async () => {
    for (; !isOver; added++) {
      await sql.begin(async (tx) => {
        await tx.unsafe(`do $do$ begin execute format(
          'create table app.tasks_${added} partition of app.tasks for values from (%L) to (%L)', ${bound(added)}, ${bound(added + 1)}
        ); end $do$`)
        await tx.unsafe(`
          insert into app.tasks (id, created_at) select ${(added + 1) * 10_000} + n, ${by === 'id' ? 'now()' : bound(added)} from generate_series(1, 5) as n`)
      })
      if (added > 0) await sql.unsafe(`drop table app.tasks_${added - 1}`)
    }
  }
  const ended = loop()
  return {
    added: () => added,
    end: async () => {
      isOver = true
      await ended
    },
  }
}

const serve = async (by: 'created_at' | 'id', unique: string) =>
  serveTables((sql) => makeTasks(sql, by, unique), {
    ...(by === 'id' && { records: 'mapped' }),
    env: { JOBS_MAP_FILE: await mapFile(map) },
  })

/** The ids of a list, page by page, without those that the writer adds. */
async function listed({ url }: ServedTables): Promise<string[]> {
  const ids: string[] = []
  for (let path: string | undefined = '/api/v1/jobs/list?limit=100'; path !== undefined; ) {
    const answer = await call({ url, method: 'GET', path, headers: { 'x-api-key': 'key' } })
    expect(answer.status).toBe(200)
    for (const { id } of z.array(z.looseObject({ id: z.string() })).parse(answer.body)) ids.push(id)
    const next = /<\?([^>]*)>; rel="next"/.exec(answer.headers.link ?? '')?.[1]
    path = next === undefined ? undefined : `/api/v1/jobs/list?${next}`
  }
  return ids.filter((id) => Number(id.split('/')[1]) < 10_000)
}

const Groups = z.array(z.looseObject({ queued: z.number(), failed: z.number() }))
const numbers = Array.from({ length: jobs }, (_, n) => `mail/${n + 1}`)

describe('a mapped table with partitions by range of the time of creation', () => {
  let served: ServedTables
  beforeAll(async () => {
    served = await serve('created_at', ', primary key (id, created_at)')
  })
  afterAll(() => served?.close())

  it('is counted, listed and shown beside a writer that adds partitions', async () => {
    const writer = addPartitions(served.sql, 'created_at')
    try {
      for (let round = 0; round < 3; round++) {
        const before = writer.added()
        expect((await listed(served)).toSorted()).toEqual(numbers.toSorted())
        const [group] = Groups.parse((await served.get('/api/v1/jobs/stats')).body)
        expect(group).toMatchObject({ failed: jobs / 3 })
        expect(group?.queued).toBeGreaterThanOrEqual(jobs / 3)
        for (const n of [1, 2, 300, 301, 600]) {
          const shown = await served.get('/api/v1/jobs/job', { key: `${n}` })
          expect(shown).toMatchObject({ status: 200, body: { id: `mail/${n}`, payload: null } })
        }
        await until('a partition is added', () => writer.added() > before + 1)
      }
    } finally {
      await writer.end()
    }
  })

  it('is only looked at, and each change says why', async () => {
    const sentence = 'app.tasks has partitions by created_at, so that no index keeps its key id unique'
    for (const [path, body] of [
      ['prune', { domain: 'app', older_than_days: 1 }],
      ['retry-now', { domain: 'app', only_failed: true }],
    ] as const) {
      const answer = await served.post(path, body)
      expect(answer).toMatchObject({ status: 422, body: { code: 'not_supported' } })
      expect(answer.body).toMatchObject({ detail: expect.stringContaining(sentence) })
    }
    const [row] =
      await served.sql`select count(*)::int as count from (table app.before except table app.tasks) as changed`
    expect(row).toEqual({ count: 0 })
    const checked = await runServer(['init', '--check'], served.env)
    expect(checked).toMatchObject({ code: 0, out: expect.stringContaining(`changes: none, since ${sentence}`) })
    const proposed = await runServer(['init', '--detect', '--schema', 'app', '--table', 'app.tasks'], served.env)
    expect(proposed.out).toContain('\nkey: id\n')
  })

  it('a call by an id that two rows have shows neither, and a list shows both', async () => {
    await served.sql`insert into app.tasks (id, state, created_at) values (7, 0, '2026-12-01'), (7, 0, '2025-12-01')`
    for (const key of ['7', 'mail/7']) {
      const detail = `3 jobs of app.tasks have the id ${key}, in partitions of their own, and a call by an id is about one job`
      const hint = 'jobsctl list --sort created_at shows each of them'
      expect(await served.get('/api/v1/jobs/job', { key })).toMatchObject({
        status: 422,
        body: { code: 'not_supported', detail, hint },
      })
      for (const path of ['erase', 'batch/cancel', 'batch/retry'])
        expect(await served.post(path, { domain: 'app', ids: [key] }), path).toMatchObject({
          status: 422,
          body: { detail: expect.not.stringContaining('have the id') },
        })
      // `explain mail/7` is about a queue.
      for (const verb of key === '7' ? ['show', 'explain'] : ['show'])
        expect(await served.jobsctl(verb, key)).toMatchObject({
          code: 2,
          out: '',
          err: expect.stringContaining(detail),
        })
    }
    expect((await listed(served)).filter((id) => id === 'mail/7')).toHaveLength(3)
    expect(await served.get('/api/v1/jobs/job', { key: 'mail/8' })).toMatchObject({ status: 200 })
    await served.sql`delete from app.tasks where id = 7 and created_at in ('2026-12-01', '2025-12-01')`
  })
})

describe('a mapped table with partitions by range of its key', () => {
  let served: ServedTables
  beforeAll(async () => {
    served = await serve('id', ', primary key (id)')
  })
  afterAll(() => served?.close())

  const differing = async () => {
    const [row] = await served.sql<[{ count: number }]>`
      select count(*)::int as count from (
        (table app.before except all select * from app.tasks where id < 10000)
        union all
        (select * from app.tasks where id < 10000 except all table app.before)
      ) as different`
    return row.count
  }
  const Changed = z.looseObject({
    operation_id: z.number(),
    affected: z.number().optional(),
    deleted: z.number().optional(),
  })

  it.each([
    ['prune', { domain: 'app', older_than_days: 1, statuses: ['completed', 'failed'] }, (jobs / 3) * 2],
    ['retry-now', { domain: 'app', only_failed: true }, jobs / 3],
  ] as const)(
    '%s changes what it says beside a writer that adds partitions, and its undo gives every row back',
    async (path, body, count) => {
      const writer = addPartitions(served.sql, 'id')
      try {
        const answer = await served.post(path, body)
        expect(answer.status).toBe(200)
        const { operation_id, affected, deleted } = Changed.parse(answer.body)
        expect(deleted ?? affected).toBe(count)
        const before = writer.added()
        await until('a partition is added', () => writer.added() > before + 1)
        expect(await served.post(`operations/${operation_id}/undo`, {})).toMatchObject({
          status: 200,
          body: { affected: count, conflict_count: 0 },
        })
      } finally {
        await writer.end()
      }
      expect(await differing()).toBe(0)
      await served.sql.unsafe(`delete from app.tasks where id >= 10000; do $do$ declare part regclass; begin
      for part in select inhrelid from pg_inherits where inhparent = 'app.tasks'::regclass and inhrelid::regclass::text ~ '\\d$' loop
        execute 'drop table ' || part;
      end loop; end $do$`)
    },
  )
})

it('a change of a mapped table leaves the old jobs of a partition that was attached after its preview', async () => {
  const served = await serve('id', ', primary key (id)')
  try {
    const Previewed = z.looseObject({ preview: z.looseObject({ count: z.number(), token: z.string() }) })
    const request = { domain: 'app', older_than_days: 1, statuses: ['completed', 'failed'] }
    await served.sql.unsafe(`
      create table app.waiting (like app.tasks including defaults);
      insert into app.waiting (id, state, created_at, ended_at) select 20000 + n, 2, '2020-01-01', '2020-01-01' from generate_series(1, 9) as n`)
    const { preview } = Previewed.parse((await served.post('prune', { ...request, dry_run: true })).body)
    expect(preview.count).toBe((jobs / 3) * 2)
    await served.sql`alter table app.tasks attach partition app.waiting for values from (20000) to (30000)`
    expect(await served.post('prune', { ...request, preview_token: preview.token })).toMatchObject({
      status: 200,
      body: { deleted: preview.count },
    })
    const [row] = await served.sql`select count(*)::int as count from app.waiting`
    expect(row).toEqual({ count: 9 })
  } finally {
    await served.close()
  }
})

it.each([
  ['without a unique index', ''],
  ['with a unique index without the key', ', unique (created_at, args)'],
])('a mapped table with partitions by time %s starts no server, which says why', async (_what, unique) => {
  const database = await emptyDatabase()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  try {
    await makeTasks(sql, 'created_at', unique)
    const env = { ...database.env, SINGLE_USER_API_KEY: 'key', JOBS_MAP_FILE: await mapFile(map) }
    expect(await runServer([], env)).toMatchObject({
      code: 2,
      err: expect.stringContaining('no unique index of app.tasks has the column id alone, so it names no single job'),
    })
  } finally {
    await sql.end()
    await database.drop()
  }
})
