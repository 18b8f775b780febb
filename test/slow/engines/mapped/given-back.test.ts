import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'

const mapOf = (table: string) => `
  - table: app.${table}
    domain: ${table}
    key: id
    queue: ${table}
    status: {column: state, map: {waits: queued, runs: processing, done: completed, dead: failed, off: cancelled}}
    times: {created: created_at, due: run_after, ended: ended_at}
    owner: {column: who}
    priority: {column: rank}
    retry: {set: {state: waits}}
    cancel: {set: {state: off}}`

/** A table of four jobs: two wait and two have failed. */
const tableOf = (name: string) => `
  create table app.${name} (
    id int primary key, state text not null, created_at timestamptz not null default '2020-01-01Z', run_after timestamptz not null default '2020-01-01Z',
    ended_at timestamptz, who text, rank int not null default 5
  );
  insert into app.${name} (id, state) values (1, 'waits'), (2, 'waits'), (3, 'dead'), (4, 'dead')`

/**
 * Writes an old row back, and spares one job. Where it waits for the commit it spares none: PostgreSQL tells of an error there before it gives the rows
 * free, so that the batch after it may pass over the first job for a moment, and begin with the other one.
 */
const puts = `
  create table app.switch as select false as is_on;
  create function app.puts() returns trigger language plpgsql as $$
  begin
    if pg_trigger_depth() > 1 or (old.id = 2 and tg_table_name <> 'lates') or not (select is_on from app.switch) then return null; end if;
    execute format('update %I.%I set state = $1.state, run_after = $1.run_after, rank = $1.rank, who = $1.who where id = $1.id', tg_table_schema, tg_table_name) using old;
    return null;
  end $$`

/** Keeps what a change is about, and writes another column. */
const keeps = `
  create function app.keeps() returns trigger language plpgsql as $$
  begin
    if not (select is_on from app.switch) then return new; end if;
    new.rank := old.rank; new.run_after := old.run_after; new.state := old.state; new.who := old.who;
    new.ended_at := clock_timestamp();
    return new;
  end $$`

/** Writes another column after a change. */
const notes = `
  create function app.notes() returns trigger language plpgsql as $$
  begin
    if pg_trigger_depth() = 1 then update app.noted set ended_at = clock_timestamp() where id = new.id; end if;
    return null;
  end $$`

const triggers = `
  create trigger "puts back" after update on app.afters for each row execute function app.puts();
  create constraint trigger "puts back" after update on app.lates deferrable initially deferred for each row execute function app.puts();
  create trigger "puts back" before update on app.guards for each row execute function app.keeps();
  create trigger notes after update on app.noted for each row execute function app.notes()`

const tables = ['afters', 'lates', 'guards'] as const
const changes = [
  ['batch/retry', {}],
  ['batch/cancel', { status: 'queued' }],
  ['batch/priority', { priority: 2 }],
  ['batch/reschedule', { by_seconds: 60 }],
  ['batch/edit', { set: [{ path: 'owner_user_id', value: 'ann' }], status: 'queued' }],
] as const
const Changed = z.looseObject({ operation_id: z.number() })

describe('mapped tables whose triggers give back what a change has written', () => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    const fill = async (made: postgres.Sql) => {
      sql = made
      await sql.unsafe(
        `create schema app; ${puts}; ${keeps}; ${notes}; ${[...tables, 'noted'].map(tableOf).join(';')}; ${triggers}`,
      )
    }
    served = await serveMapped(`tables:${[...tables, 'noted'].map(mapOf).join('')}`, fill)
  })
  afterAll(() => served.close())

  const withTrigger = async <T>(act: () => Promise<T>): Promise<T> => {
    await sql`update app.switch set is_on = true`
    return act().finally(() => sql`update app.switch set is_on = false`)
  }
  const rows = async (table: string) => [
    ...(await sql`select t::text as row from ${sql(`app.${table}`)} as t order by id`),
  ]
  const kept = {
    status: 409,
    body: {
      code: 'conflict',
      detail: expect.stringMatching(/keeps .*\("puts back"\) lets no update .*nothing was changed$/),
    },
  }

  describe.each(tables)('%s', (domain) => {
    it.each(changes)('%s counts no such job', async (path, body) => {
      const before = await rows(domain)
      expect(await withTrigger(() => served.post(path, { domain, ...body }))).toMatchObject(kept)
      expect(await rows(domain)).toEqual(before)
    })

    it.each(changes)('the undo of %s gives back no such job, and counts none', async (path, body) => {
      const before = await rows(domain)
      const { operation_id } = Changed.parse((await served.post(path, { domain, ...body })).body)
      const undo = () => served.post(`operations/${operation_id}/undo`, {})
      expect(await withTrigger(undo)).toMatchObject(kept)
      expect(await undo()).toMatchObject({ status: 200, body: { affected: 2 } })
      expect(await rows(domain)).toEqual(before)
    })
  })

  it('a trigger that writes other columns after a change keeps no job', async () => {
    for (const [path, body] of changes.slice(2)) {
      const before = await sql`select id, state, run_after, rank, who from app.noted order by id`
      const changed = await served.post(path, { domain: 'noted', ...body })
      expect(changed).toMatchObject({ status: 200, body: { affected: 2 } })
      expect(await sql`select id, state, run_after, rank, who from app.noted order by id`).not.toEqual(before)
    }
  })
})
