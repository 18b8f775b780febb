import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { mapFile } from '../../../support/engines/mapped.ts'
import { type ServedTables, serveMapped, serveTables } from '../../../support/engines/serve-tables.ts'

const states = '{column: state, map: {waits: queued, runs: processing, done: completed, dead: failed, off: cancelled}}'
const mapOf = (table: string, more = '') => `
  - table: app.${table}
    domain: ${table}
    key: id
    queue: ${table}
    status: ${states}
    times: {created: created_at, due: run_after, ended: ended_at}
    payload: {column: args}
    priority: {column: rank}
    retry: {set: {state: waits, ended_at: null}}
    cancel: {set: {state: off}}
    prune: {of: [completed, failed]}${more}`

/** A table of eight jobs: two of each state, in the order of the map. */
function tableOf(name: string, { key = 'text', state = 'text', time = 'timestamptz', args = 'json' } = {}): string {
  const then = time === 'bigint' ? '1600000000' : `'2020-01-01Z'::${time}`
  return `
    create table app.${name} (
      id ${key} primary key, state ${state} not null, created_at ${time}, run_after ${time}, ended_at ${time}, args ${args}, rank int default 5
    );
    insert into app.${name}
    select 'K' || n, (array['waits', 'runs', 'done', 'dead'])[(n + 1) / 2]::${state}, ${then}, ${then}, case when n > 4 then ${then} end, '{}'
    from generate_series(1, 8) as n`
}

const returnsOld = `
  create function app.unchanged() returns trigger language plpgsql as
    'begin if old.id = any(string_to_array(tg_argv[0], '','')) then return old; end if; return new; end'`

const closes = `
  create function app.closed() returns trigger language plpgsql as
    'begin raise object_not_in_prerequisite_state using message = ''the month is closed''; end'`

const Listed = z.array(z.object({ id: z.string(), status: z.string() }))
const Shown = z.object({ owner_user_id: z.string().nullable(), payload: z.unknown() })
const Changed = z.looseObject({ operation_id: z.number() })

describe('mapped tables of strange types and triggers', () => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    const fill = async (made: postgres.Sql) => {
      sql = made
      const [{ name }] = await sql<[{ name: string }]>`select quote_ident(current_database()) as name`
      await sql.unsafe(`
        create schema app;
        create type app.word as enum ('waits', 'runs', 'done', 'dead', 'off');
        create domain app.state as app.word;
        create domain app.known_state as app.state check (value is not null);
        create domain app.short as text;
        create domain app.name as app.short;
        create collation app.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        ${returnsOld};
        ${closes};
        ${tableOf('nested', { key: 'app.name', state: 'app.known_state' })};
        ${tableOf('blind', { key: 'text collate app.blind' })};
        ${tableOf('seconds', { time: 'bigint' })};
        update app.seconds set run_after = 9223372036854775807, created_at = -9223372036854775808 where id = 'K1';
        ${tableOf('halves')};
        update app.halves set args = '{"a": "\\ud83d", "b": 1e999999}' where id in ('K1', 'K7');
        update app.halves set args = '{"whole": "\\ud83d\\ude00"}' where id = 'K2';
        ${tableOf('parts')};
        update app.parts set args = ('{"owner": "O' || substr(id, 2) || '"}')::json;
        update app.parts set args = '{"owner": "\\\\ud83d\\udc00"}' where id = 'K1';
        update app.parts set args = ('{"n": ' || repeat('9', 140000) || '}')::json where id = 'K2';
        update app.parts set args = ('{"n": ' || repeat('9', 130000) || 'e9999}')::json where id = 'K3';
        update app.parts set args = ('{"n": 0.' || repeat('9', 17000) || '}')::json where id = 'K4';
        update app.parts set args = ('{"owner": "O5", "digits": "' || repeat('9', 140000) || '", "of": ", 1e99999"}')::json where id = 'K5';
        update app.parts set args = '{"owner": "C:\\\\ud800x"}' where id = 'K6';
        update app.parts set args = '{"owner": "C:\\\\u0000 \\ud83d\\ude00"}' where id = 'K7';
        ${tableOf('published')};
        alter table app.published replica identity nothing;
        create publication everything for table app.published;
        ${tableOf('closed')};
        create trigger closed before update on app.closed for each row execute function app.closed();
        ${tableOf('olds')};
        create trigger olds before update on app.olds for each row execute function app.unchanged('K1,K7');
        ${tableOf('settings', { args: 'text[]' })};
        update app.settings set args = array[null, 'null'];
        ${tableOf('lists', { args: 'json[]' })};
        update app.lists set args = array['{"a": 1}', '{"a": "\\ud83d"}']::json[] where id = 'K1';
        alter database ${name} set quote_all_identifiers = on;
        alter database ${name} set array_nulls = off`)
    }
    const names = ['nested', 'blind', 'seconds', 'halves', 'published', 'closed', 'olds', 'settings', 'lists']
    const maps = [...names.map((name) => mapOf(name)), mapOf('parts', '\n    owner: {column: args, at: [owner]}')]
    served = await serveMapped(`tables:${maps.join('')}`, fill)
  })
  afterAll(() => served.close())

  const rows = async (table: string) => [
    ...(await sql`select t::text as row from ${sql(`app.${table}`)} as t order by id`),
  ]
  const undo = (body: unknown) => served.post(`operations/${Changed.parse(body).operation_id}/undo`, {})

  it.each(['nested', 'blind', 'seconds', 'halves', 'parts', 'settings', 'lists'])(
    '%s: all jobs are listed, shown, changed and given back',
    async (domain) => {
      const before = await rows(domain)
      const listed = Listed.parse((await served.get('/api/v1/jobs/list', { domain })).body)
      expect(listed.map(({ id }) => id).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `${domain}/K${n}`))
      for (const { id } of listed)
        expect(await served.get('/api/v1/jobs/job', { key: id, domain })).toMatchObject({ status: 200 })
      expect(await served.get('/api/v1/jobs/stats', { domain })).toMatchObject({
        status: 200,
        body: [{ queued: domain === 'seconds' ? 1 : 2, processing: 2, failed: 2 }],
      })
      const changes = [
        ['prune', { older_than_days: 1, statuses: ['completed', 'failed'] }, { deleted: 4 }],
        ['batch/retry', {}, { affected: 2 }],
        ['batch/cancel', { status: 'queued' }, { affected: 2 }],
        ['batch/priority', { priority: 2 }, { affected: 2 }],
      ] as const
      for (const [path, body, counts] of changes) {
        expect(await served.post(path, { domain, ...body, dry_run: true })).toMatchObject({ status: 200 })
        const changed = await served.post(path, { domain, ...body })
        expect(changed).toMatchObject({ status: 200, body: counts })
        expect(await undo(changed.body)).toMatchObject({ status: 200, body: { conflict_count: 0 } })
        expect(await rows(domain)).toEqual(before)
      }
    },
  )

  it('reads a part of JSON in every row that jsonb takes, and shows the text of the others', async () => {
    const found = []
    for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const { body } = await served.get('/api/v1/jobs/job', { key: `parts/K${n}`, domain: 'parts' })
      found.push(Shown.parse(body))
    }
    expect(found.map(({ owner_user_id }) => owner_user_id)).toEqual([
      ...[null, null, null, null],
      ...['O5', 'C:\\ud800x', 'C:\\u0000 \u{1f600}', 'O8'],
    ])
    expect(found[0]?.payload).toBe('{"owner": "\\\\ud83d\\udc00"}')
    expect(found.slice(1, 4).map(({ payload }) => String(payload).slice(0, 9))).toEqual([
      ...['{"n": 999', '{"n": 999', '{"n": 0.9'],
    ])
  })

  it('names no replica identity where a trigger says that it lets nothing be changed now', async () => {
    const { status, body } = await served.post('batch/retry', { domain: 'closed' })
    expect({ status, body }).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('the month is closed') },
    })
    expect(JSON.stringify(body)).not.toMatch(/publication|replica identity|this table/)
  })

  it('says what PostgreSQL says of a published table without a replica identity', async () => {
    expect(await served.post('batch/retry', { domain: 'published' })).toMatchObject({
      status: 409,
      body: {
        code: 'conflict',
        detail: expect.stringMatching(/does not have a replica identity.*nothing was changed$/),
      },
    })
  })

  it.each([
    ['batch/retry', {}],
    ['batch/cancel', { status: 'queued' }],
    ['batch/priority', { priority: 2 }],
    ['batch/reschedule', { by_seconds: 60 }],
  ])('%s counts no job for which a trigger has returned the old row', async (path, body) => {
    const before = await rows('olds')
    expect(await served.post(path, { domain: 'olds', ...body })).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringMatching(/\(olds\) lets no update .*nothing was changed$/) },
    })
    expect(await rows('olds')).toEqual(before)
  })

  it('says that an undo gives back no job for which a trigger has returned the old row', async () => {
    const changed = await served.post('batch/priority', { domain: 'olds', priority: 3, ids: ['olds/K2'] })
    await sql.unsafe(`
      create or replace function app.unchanged() returns trigger language plpgsql as 'begin return old; end'`)
    expect(await undo(changed.body)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('(olds) lets no update') },
    })
  })
})

it('a job whose key is an empty text is found by the key that a list gives it', async () => {
  const served = await serveMapped(`tables:${mapOf('jobs')}`, async (sql) =>
    sql.unsafe(`create schema app; ${tableOf('jobs')}; update app.jobs set id = '' where id = 'K7'`),
  )
  const page = { sort_order: 'asc', limit: '1' }
  const first = await served.get('/api/v1/jobs/list', page)
  const cursor = /cursor=([^&>]+)/.exec(first.headers.link ?? '')?.[1] ?? ''
  const second = await served.get('/api/v1/jobs/list', { ...page, cursor: decodeURIComponent(cursor) })
  const shown = [await served.jobsctl('show', 'jobs/'), await served.get('/api/v1/jobs/job/explain', { key: 'jobs/' })]
  const changed = await served.post('batch/retry', { domain: 'jobs', ids: ['jobs/', 'jobs/K8'] })
  const [state] = await served.sql`select state from app.jobs where id = ''`
  const undone = await served.post(`operations/${Changed.parse(changed.body).operation_id}/undo`, {})
  const [after] = await served.sql`select state from app.jobs where id = ''`
  const none = await served.get('/api/v1/jobs/job', { key: 'other/' })
  await served.close()
  expect({ first, second, shown, changed, state, undone, after, none }).toMatchObject({
    first: { status: 200, body: [{ id: 'jobs/' }] },
    second: { status: 200, body: [{ id: 'jobs/K1' }] },
    shown: [{ code: 0, err: '' }, { status: 200 }],
    changed: { status: 200, body: { affected: 2 } },
    state: { state: 'waits' },
    undone: { status: 200, body: { affected: 2, conflict_count: 0 } },
    after: { state: 'dead' },
    none: { status: 404 },
  })
})

it('a mapped table of which no job is pruned, and whose workers nobody tells: jobsctl says so', async () => {
  const map = `tables:${mapOf('jobs')}`.replace(/prune: .*/, '')
  const served = await serveTables((sql) => sql.unsafe(`create schema app; ${tableOf('jobs')}`), {
    env: { JOBS_MAP_FILE: await mapFile(map) },
  })
  const { code, out } = await served.jobsctl('doctor')
  const asked = await served.jobsctl('cancel', '--dry-run', 'jobs/K3')
  await served.close()
  expect(asked).toMatchObject({
    code: 6,
    err: expect.stringMatching(
      /^error: job jobs\/K3 is running: nobody tells the worker [^\n]*: jobsctl cancel --status queued, or stop the worker in your application; nothing was changed\n$/,
    ),
  })
  expect({ code, out }).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^bounds\tskipped\tnot checked: .*the map of the table has no prune/m),
  })
})
