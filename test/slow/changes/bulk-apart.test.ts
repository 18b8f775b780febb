import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  ask,
  at,
  changes,
  clearAll,
  codeOf,
  doneOf,
  expectIntact,
  holding,
  integrity,
  otherProgram,
  prune,
  recordOf,
} from '../../support/changes/bulk-tools.ts'
import { closeGate } from '../../support/gate.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('a change on postgres, beside another of its kind', () => {
  let world: World
  let other: postgres.Sql
  beforeAll(async () => {
    // A change waits for locked rows until the test lets go of them, however slow the machine is.
    world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '60' })
    other = otherProgram(world)
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })
  beforeEach(() => clearAll(world))

  const running = () =>
    until('a change runs', async () => {
      const [row] = await world.sql<{ id: number }[]>`select id from job_operations where state = 'running'`
      return row?.id
    })

  it.each(changes)('$name: waits for nobody, and says who is at it; what does not overlap runs', async (change) => {
    const [held = 0] = await world.jobs(2, { ...change.wanted, queue: 'mine' })
    await world.jobs(1, { ...change.wanted, domain: 'far' })
    const letGo = await holding(other, (tx) => tx`select id from jobs where id = ${held}::bigint for update`)
    const first = ask(world, change, { queue: 'mine' })
    const id = await running()
    for (const scope of [{}, { queue: 'mine' }, { job_type: 'export' }, { queue: 'mine', job_type: 'other' }]) {
      expect(await ask(world, change, scope)).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringContaining(`operation ${id} of single-user`) },
      })
    }
    expect(doneOf(await ask(world, change, { domain: 'far' })).affected).toBe(1)
    expect(doneOf(await ask(world, change, { queue: 'yours' })).affected).toBe(0)
    const [another = prune] = changes.filter(({ kind }) => kind !== change.kind)
    expect((await ask(world, another, { queue: 'mine', job_type: 'none' })).status).toBe(200)
    await letGo()
    expect(doneOf(await first).affected).toBe(2)
    await expectIntact(world)
  })

  it('an undo waits for no other undo of the same, and one that runs cannot be undone', async () => {
    const ids = await world.jobs(2)
    const { operation = 0 } = doneOf(await ask(world, prune))
    const letGo = await holding(
      other,
      (tx) => tx`select id from jobs_archive where id = ${ids[0] ?? 0}::bigint for update`,
    )
    const first = world.confirm(at.undo(operation), {})
    const id = await running()
    expect(codeOf(await world.confirm(at.undo(operation), {}))).toBe('409 conflict')
    expect(codeOf(await world.confirm(at.undo(id), {}))).toBe('409 conflict')
    await letGo()
    expect(doneOf(await first).affected).toBe(2)
  })

  it('keeps to what was there at first, below a savepoint or not, and to its maximum', async () => {
    await world.jobs(1)
    // A batch deletes only after the set was counted for the maximum.
    const gate = await closeGate(other, 'after delete on jobs for each row')
    const writing = await holding(other, async (tx) => {
      await tx`insert into job_queue_controls (domain, queue) values ('x', 'y')`
      await tx.savepoint(
        (below) => below`
        insert into jobs (domain, queue, job_type, status, completed_at)
        select 'chatbooks', 'q', 't', 'completed', now() - interval '40 days' from generate_series(1, 3)`,
      )
    })
    await other`insert into job_queue_controls (domain, queue) values ('x', 'z')`
    const change = ask(world, prune, { max: 1 })
    await gate.reached(change)
    await writing()
    await gate.open()
    expect(doneOf(await change).affected).toBe(1)
    expect(await world.count()).toBe(3)
  })

  it('ends as partial when another server has closed its record as an orphan', async () => {
    await world.jobs(3)
    // Closes the record when the batch commits, as another server does while this one is suspended.
    await other.unsafe(`
      create function close_record() returns trigger language plpgsql as
        $$ begin update job_operations set state = 'partial', ended_at = now() where id = new.id; return null; end $$;
      create constraint trigger close_record after update on job_operations deferrable initially deferred
        for each row when (new.affected = 3 and new.state = 'running') execute function close_record()`)
    try {
      const { status, body } = await ask(world, prune)
      expect({ status, body }).toMatchObject({ status: 503, body: { code: 'partial', hint: expect.any(String) } })
      expect(body).toMatchObject({ detail: expect.stringMatching(/^another server has closed .* 3 jobs were changed/) })
    } finally {
      await other.unsafe('drop trigger close_record on job_operations; drop function close_record()')
    }
  })
})

describe.each(['postgres'] as const)('an operation that a dead server has left behind on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const leave = async (affected: number, sign: string) => {
    const [row] = await world.sql<[{ id: number }]>`
      insert into job_operations (kind, filters, as_of, seen, caller, request_hash, affected, touched_at)
      values ('prune', '{}', now(), '5:5:', 'ann', 'x', ${affected}, now() - ${sign}::text::interval) returning id`
    return row.id
  }

  it('keeps no other change waiting, and is recorded as partial or failed', async () => {
    for (const [affected, state] of [
      [3, 'partial'],
      [0, 'failed'],
    ] as const) {
      const left = await leave(affected, '11 seconds')
      await world.jobs(2)
      expect(doneOf(await ask(world, prune)).affected).toBe(2)
      expect(await recordOf(world, left)).toMatchObject({
        state,
        affected,
        error: expect.stringContaining('its server died'),
      })
    }
    await expectIntact(world)
  })

  it('is waited for, as long as its server may only be slow, and ends by itself', async () => {
    const left = await leave(1, '8 seconds')
    await world.jobs(2)
    expect(doneOf(await ask(world, prune)).affected).toBe(2)
    expect(await recordOf(world, left)).toMatchObject({ state: 'partial' })
    const another = await leave(1, '1 minute')
    await until('it has ended', async () => (await recordOf(world, another)).state === 'partial')
    await expectIntact(world)
  })

  it('is not what a change is that shows life meanwhile', async () => {
    await leave(1, '0 seconds')
    const showLife = () =>
      void world.sql`update job_operations set touched_at = clock_timestamp() where state = 'running'`.execute()
    const alive = setInterval(showLife, 50)
    const answer = await ask(world, prune)
    clearInterval(alive)
    expect(answer).toMatchObject({ status: 409, body: { detail: expect.stringContaining('of ann') } })
    expect(doneOf(await ask(world, integrity)).affected).toBe(0)
  })
})
