import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  ask,
  at,
  clearAll,
  codeOf,
  doneOf,
  expectIntact,
  holding,
  otherProgram,
  prune,
  recordOf,
  requeue,
} from '../../support/changes/bulk-tools.ts'
import { endOf } from '../../support/changes/detached.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

const died = 'its server died, or lost the database'

describe.each(kinds)('an operation whose undo ends, on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  let first = 0
  // Ids go on from test to test: a record that could not be closed is closed later, by its id.
  beforeEach(async () => {
    await clearAll(world)
    first += 100
    await world.sql`select setval(pg_get_serial_sequence('job_operations', 'id'), ${first}::bigint)`
  })

  /** Five jobs that a change has taken. */
  async function changed(change = prune) {
    await world.jobs(5, change.wanted)
    return doneOf(await ask(world, change)).operation ?? 0
  }
  const takeBack = (operation: number, fields: object = {}) => world.confirm(at.undo(operation), fields)
  const undoOf = async (operation: number) => {
    const [row] = await world.sql<{ id: number }[]>`
      select id from job_operations where kind = 'undo' and filters ->> 'operation' = ${String(operation)}::text`
    return row?.id ?? 0
  }

  /** Runs beside a trigger that lets no record of an undo be closed but those for which `lets` is true. */
  async function closing(lets: string, run: () => Promise<void>) {
    await world.sql.unsafe(`
      create function closing() returns trigger language plpgsql as $$ begin
        if new.kind = 'undo' and old.state = 'running' and new.state <> 'running' and (${lets}) is not true then
          raise exception 'this record stays open';
        end if;
        return new;
      end $$;
      create trigger closing before update on job_operations for each row execute function closing()`)
    await run().finally(() => world.sql.unsafe('drop function closing cascade'))
  }

  it('stays as it is while a job is left that the undo did not give back, and is undone with the last', async () => {
    const ids = await world.jobs(3)
    const [blocked = 0, taken = 0] = ids
    const { operation = 0 } = doneOf(await ask(world, prune))
    await world.jobs(1, { id: blocked, status: 'queued' })
    await world.jobs(1, { id: taken, status: 'queued' })
    const dry = await world.post(at.undo(operation), { dry_run: true })
    const preview_token: unknown = Object(Object(dry.body).preview).token
    await world.sql`delete from jobs where id = ${blocked}::bigint`
    // Its conflict is resolved since, and the undo gives back the jobs of its preview alone.
    expect(await takeBack(operation, { preview_token })).toMatchObject({ status: 200, body: { affected: 1 } })
    expect(await recordOf(world, operation)).toMatchObject({ state: 'done', undos: [operation + 1] })
    await expectIntact(world)
    expect(await takeBack(operation)).toMatchObject({ body: { affected: 1, conflict_count: 1 } })
    expect(await recordOf(world, operation)).toMatchObject({ state: 'undone', undone_by: operation + 2 })
    await expectIntact(world)
  })

  it.each([prune, requeue])('is undone where the record can be closed as partial alone: a $name', async (change) => {
    const operation = await changed(change)
    await closing(`new.state = 'partial'`, async () => {
      expect(codeOf(await takeBack(operation))).toBe('503 partial')
      const undoing = await undoOf(operation)
      expect(await endOf(world, undoing)).toMatchObject({ state: 'partial', affected: 5, undoes: operation })
      expect(await recordOf(world, operation)).toMatchObject({ state: 'undone', undone_by: undoing })
    })
    expect(await takeBack(operation)).toMatchObject({ status: 200, body: { affected: 0 } })
    await expectIntact(world)
  })

  it('is undone where the server dies between the last batch and the end', async () => {
    const operation = await changed()
    await closing(`new.error = '${died}' or new.affected = 0`, async () => {
      expect(codeOf(await takeBack(operation))).toBe('503 partial')
      const undoing = await undoOf(operation)
      expect(await recordOf(world, operation)).toMatchObject({ state: 'done', undone_by: null })
      const dry = { status: 200, body: { affected: 0 } }
      expect(await world.post(at.undo(operation), { dry_run: true })).toMatchObject(dry)
      await world.sql`update job_operations set touched_at = now() - interval '1 minute' where id = ${undoing}::bigint`
      expect(await takeBack(operation)).toMatchObject(dry)
      expect(await recordOf(world, undoing)).toMatchObject({ state: 'partial', error: died, affected: 5 })
      expect(await recordOf(world, operation)).toMatchObject({ state: 'undone', undone_by: undoing })
    })
    expect(await world.rows()).toHaveLength(5)
    await expectIntact(world)
  })

  it('is said to be undone where an older server has closed the record of the undo', async () => {
    const operation = await changed()
    await closing(`new.error = '${died}'`, async () => {
      expect(codeOf(await takeBack(operation))).toBe('503 partial')
      const undoing = await undoOf(operation)
      await world.sql`
        update job_operations set state = 'partial', error = ${died}, ended_at = now() where id = ${undoing}::bigint`
      for (const again of [await takeBack(operation), await world.post(at.undo(operation), { dry_run: true })]) {
        expect(again).toMatchObject({
          status: 409,
          body: { detail: `operation ${operation} was undone by operation ${undoing}; nothing was changed` },
        })
      }
    })
  })

  it('is undone by an undo that was stopped when nothing was left to give back', async () => {
    const operation = await changed()
    // The first batch asks for the stop, and the ids of the other jobs are taken with it.
    await world.sql.unsafe(`
      create function stopping() returns trigger language plpgsql as $$ begin
        insert into jobsctl_stops (operation_id, caller)
        select id, 'ann' from job_operations where state = 'running' on conflict do nothing;
        insert into jobs (id, domain, queue, job_type, status) overriding system value
        select id, 'd', 'q', 't', 'queued' from jobs_archive where operation_id = ${operation};
        return null;
      end $$;
      create trigger stopping after delete on jobs_archive for each statement execute function stopping()`)
    const answer = await takeBack(operation, { rate: 4 }).finally(() =>
      world.sql.unsafe('drop function stopping cascade'),
    )
    expect(codeOf(answer)).toBe('503 partial')
    const undoing = await undoOf(operation)
    expect(await recordOf(world, undoing)).toMatchObject({
      state: 'partial',
      error: 'ann stopped it',
      undoes: operation,
    })
    expect(await recordOf(world, operation)).toMatchObject({ state: 'undone', undone_by: undoing })
    await expectIntact(world)
  })
})

describe.runIf(kinds.includes('postgres'))('an operation whose undo passes over locked rows, on postgres', () => {
  let world: World
  let other: postgres.Sql
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '1' })
    other = otherProgram(world)
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })
  beforeEach(() => clearAll(world))

  it.each([prune, requeue])('stays as it was until another gives them back: a $name', async (change) => {
    const [held = 0] = await world.jobs(5, change.wanted)
    const { operation = 0 } = doneOf(await ask(world, change))
    const table = change === prune ? 'jobs_archive' : 'jobs'
    const letGo = await holding(other, (tx) => tx`select id from ${tx(table)} where id = ${held}::bigint for update`)
    const some = await world.confirm(at.undo(operation), {})
    await letGo()
    expect(doneOf(some)).toMatchObject({ affected: 4, skippedLocked: 1 })
    expect(await recordOf(world, operation)).toMatchObject({ state: 'done', undone_by: operation + 1 })
    await expectIntact(world)
    // An undo of all that a caller did finds it, too.
    const all = ['undo', '--caller', 'single-user', '--since', '1h', '--yes']
    expect(await world.jobsctl(all)).toMatchObject({ code: 0 })
    expect(await recordOf(world, operation)).toMatchObject({ state: 'undone', undone_by: operation + 2 })
    await expectIntact(world)
  })
})
