import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { mapFile } from '../../../support/engines/mapped.ts'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const mapOf = (table: string, fields: string) => `
  - table: app.${table}
    domain: ${table}
    queue: mail
    status: {column: state, map: {waits: queued, dead: failed, off: cancelled}}
    retry: {set: {state: waits}}
    cancel: {set: {state: off}}
    payload: {column: args}
${fields.replace(/^/gm, '    ')}`

const maps = [
  mapOf(
    'computed',
    'key: id\ntimes: {created: created_at, due: due_at}\npriority: {column: rank}\nowner: {column: tenant}',
  ),
  mapOf('numbered', 'key: name\ntimes: {created: created_at}\npriority: {column: id}\nowner: {column: name}'),
].join('')

const tableOf = (name: string, columns: string) => `
  create table app.${name} (
    id bigint generated always as identity primary key, state text not null, created_at timestamptz not null default '2020-01-01Z',
    args jsonb not null default '{"tenant": "ann", "n": 1}', ${columns}
  );
  insert into app.${name} (state) values ('waits'), ('waits'), ('dead'), ('dead')`

const Changed = z.looseObject({ operation_id: z.number() })

describe('mapped tables with columns that no change can set', () => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveMapped(`tables:${maps}`, async (made) => {
      sql = made
      await sql.unsafe(`
        create schema app; create sequence app.names;
        ${tableOf(
          'computed',
          `due_at timestamptz generated always as (case when state = 'waits' then timestamptz '2021-01-01Z' end) stored,
          rank int generated always as (length(state)) stored, tenant text generated always as (args ->> 'tenant') stored`,
        )};
        ${tableOf('numbered', `name text not null unique default 'n' || nextval('app.names')`)}`)
    })
  })
  afterAll(() => served.close())

  const rows = async (table: string) => [
    ...(await sql`select t::text as row from ${sql(`app.${table}`)} as t order by id`),
  ]

  describe.each(['computed', 'numbered'])('%s', (domain) => {
    it.each([
      ['batch/retry', {}],
      ['batch/cancel', { status: 'queued' }],
      ['batch/edit', { set: [{ path: 'payload.n', value: 2 }], status: 'queued' }],
    ])('%s is undone', async (path, body) => {
      const before = await rows(domain)
      const changed = await served.post(path, { domain, ...body })
      expect(changed).toMatchObject({ status: 200, body: { affected: 2 } })
      const { operation_id } = Changed.parse(changed.body)
      const undone = await served.post(`operations/${operation_id}/undo`, {})
      expect(undone).toMatchObject({ status: 200, body: { affected: 2, conflict_count: 0 } })
      expect(await rows(domain)).toEqual(before)
    })
  })

  it.each([
    ['computed', 'batch/reschedule', { by_seconds: 60 }, 'PostgreSQL computes the column due_at'],
    ['computed', 'batch/retry', { spread_seconds: 60 }, 'PostgreSQL computes the column due_at'],
    [
      'computed',
      'batch/edit',
      { set: [{ path: 'payload.n', value: 2 }], next: 'retry', spread_seconds: 60 },
      'PostgreSQL computes the column due_at',
    ],
    ['numbered', 'batch/retry', { spread_seconds: 60 }, 'the map names no time from which a job can run'],
    ['computed', 'batch/priority', { priority: 2 }, 'PostgreSQL computes the column rank'],
    [
      'computed',
      'batch/edit',
      { set: [{ path: 'owner_user_id', value: 'bob' }] },
      'PostgreSQL computes the column tenant',
    ],
    ['numbered', 'batch/priority', { priority: 2 }, 'PostgreSQL numbers the column id'],
    [
      'numbered',
      'batch/edit',
      { set: [{ path: 'owner_user_id', value: 'bob' }] },
      'the column name is the key of the jobs',
    ],
  ])('%s: %s of such a column is refused, and changes nothing', async (domain, path, body, why) => {
    const before = await rows(domain)
    for (const dry_run of [true, false])
      expect(await served.post(path, { domain, dry_run, ...body })).toMatchObject({
        status: 422,
        body: { code: 'not_supported', detail: expect.stringContaining(why) },
      })
    expect(await rows(domain)).toEqual(before)
  })

  it.each([
    ['lock_version: id', 'lock_version: is a column that no change may set'],
    ['lock_version: tries', undefined],
    ['lock_version: state_number', 'lock_version: is a column that a change sets to something else'],
    ['retry: {set: {id: 3}}', 'retry.set.id: is a column that no change may set'],
  ])('init --check of %s', async (field, fault) => {
    await sql`create table if not exists app.third (id int generated always as identity, name text primary key, tries int not null, state_number int, at timestamptz)`
    const map = `table: app.third\nkey: name\nqueue: mail\nstatus: {queued: {state_number: 1}, failed: {}}\ntimes: {created: at}\n${field}\n`
    const { code, err } = await runServer(['init', '--check', '--map', await mapFile(map)], served.env)
    expect({ code, err }).toMatchObject(
      fault === undefined ? { code: 0 } : { code: 2, err: expect.stringContaining(fault) },
    )
  })
})
