import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { verifyOperations } from '../../../shared/records/records.ts'
import { ask, at, clearAll, doneOf, expectIntact, isIntact, prune } from '../../support/changes/bulk-tools.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('the seals of records', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  async function change(): Promise<number> {
    await world.jobs(1)
    return doneOf(await ask(world, prune)).operation ?? 0
  }
  const verify = async (query = '') =>
    verifyOperations.output.parse((await world.call('GET', `${at.verify}${query}`)).body)
  const events = async () =>
    (
      await world.sql<{ attrs_json: unknown }[]>`
        select attrs_json from job_events where event_type = 'operation.sealed' order by id`
    ).map(({ attrs_json }) => z.looseObject({ operation: z.number(), hash: z.string() }).parse(attrs_json))

  it('are in the event log, one event for each record, with the hash of the record', async () => {
    const ids = [await change(), await change()]
    const hashes = (await world.sql<{ hash: string }[]>`select hash from job_operations order by id`).map(
      ({ hash }) => hash,
    )
    expect(await events()).toMatchObject(
      ids.map((operation, nth) => ({ operation, hash: hashes[nth], version: 2, number: nth + 1 })),
    )
    expect(await verify()).toMatchObject({ ok: true, head: hashes[1] })
    await expectIntact(world)
  })

  it('show that the last record is gone, though the day says that there was none', async () => {
    await change()
    const last = await change()
    await world.sql`delete from job_operations where id = ${last}`
    await world.sql`
      update job_operation_days set length = 1, head = (select hash from job_operations)`
    expect(await verify()).toMatchObject({ ok: false, days: [{ operations: 1, broken: [], missing: 1 }] })
  })

  it('show that all records are gone, also after the next change', async () => {
    await change()
    await change()
    await world.sql`delete from job_operations`
    await world.sql`delete from job_operation_days`
    expect(await verify()).toMatchObject({ ok: false, operations: 0, days: [{ missing: 2 }] })
    await change()
    expect(await verify()).toMatchObject({ ok: false, operations: 1, days: [{ missing: 2 }] })
  })

  it('show a chain that was begun again under the same ids', async () => {
    await change()
    await world.sql`truncate job_operations, job_operation_days, jobsctl_seals restart identity`
    expect(await change()).toBe(1)
    expect(await verify()).toMatchObject({ ok: false, days: [{ broken: [1] }] })
  })

  it('cover the last time at which the server wrote the record, and show a second seal that is gone or altered', async () => {
    const id = await change()
    await world.sql`update job_operations set touched_at = touched_at + interval '1 microsecond'`
    expect(await verify()).toMatchObject({ ok: false, days: [{ broken: [id], missing: 0 }] })
    await world.sql`update job_operations set touched_at = touched_at - interval '1 microsecond'`
    await expectIntact(world)
    await world.sql`update jobsctl_seals set version = 3`
    expect(await isIntact(world)).toBe(false)
    await world.sql`delete from jobsctl_seals`
    expect(await isIntact(world)).toBe(false)
  })

  it('are verified by the formula of their version: without a second seal by the hash, of a later version not here', async () => {
    await change()
    await world.sql`delete from jobsctl_seals`
    await world.sql`delete from job_events`
    await expectIntact(world)
    await change()
    await world.sql`update jobsctl_seals set version = 3, hash = 'of another formula'`
    await world.sql`
      update job_events set attrs_json = attrs_json || '{"version": 3, "seal": "of another formula"}'
      where event_type = 'operation.sealed'`
    await expectIntact(world)
  })

  it('do not show that the first days were deleted, nor trip over events that another program wrote', async () => {
    await world.sql`
      insert into job_operation_days (day, previous, length, head) values ('2020-01-01', '', 0, 'head of that day')`
    await change()
    await world.sql`delete from job_operation_days where day = '2020-01-01'`
    await world.sql`
      insert into job_events (event_type, attrs_json) values
        ('operation.sealed', '{"operation": 999, "day": "2020-01-01", "hash": "head of that day"}'),
        ('operation.sealed', null), ('operation.sealed', '[]'), ('operation.sealed', '"text"')`
    await expectIntact(world)
    await world.sql`delete from job_events where attrs_json ->> 'operation' = '999'`
    await world.sql`update job_operation_days set previous = ''`
    expect((await verify()).days).toMatchObject([{ missing: 0 }])
  })

  it('contain every hash that was kept elsewhere, and no other', async () => {
    await change()
    const { head } = await verify()
    await change()
    const kept = `?expect=${head?.toUpperCase()}`
    expect(await verify(kept)).toMatchObject({ ok: true, expected: true })
    expect(await verify(`?expect=${'0'.repeat(64)}`)).toMatchObject({
      ok: false,
      expected: false,
      days: [{ missing: 0 }],
    })
    expect(await verify()).not.toHaveProperty('expected')
    expect((await world.call('GET', `${at.verify}?expect=short`)).status).toBe(422)
    await clearAll(world)
    await change()
    expect(await verify(kept)).toMatchObject({ ok: false, expected: false })
  })

  it('are checked by jobsctl operations verify --expect, with exit 1 when the hash is not in the chain', async () => {
    await change()
    const { head } = await verify()
    await change()
    const run = (...words: string[]) => world.jobsctl(['operations', ...words])
    expect(await run('verify', '--expect', head ?? '')).toMatchObject({ code: 0, err: '' })
    expect(await run('verify', '--expect', '0'.repeat(64))).toEqual({
      code: 1,
      out: '',
      err: 'the chain does not contain the expected hash: records were removed or replaced\n',
    })
    expect(await run('verify', '--expect', 'abc')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--expect: must be a hash of 64'),
    })
    expect(await run('--expect', head ?? '')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--expect needs verify'),
    })
    const { out } = await run('verify', '--output', 'table')
    expect(out).toContain('every record is unaltered')
    const { err } = await run('verify', '--output', 'table')
    expect(err).toMatch(/jobsctl operations verify --expect [0-9a-f]{64}\n/)
  })
})
