import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readReplicas } from '../../../server/bulk/pressure/readings.ts'
import type { Pool } from '../../../server/database/sql.ts'
import { ProgressLine } from '../../../shared/changes/bulk-change.ts'
import { clearAll, otherProgram } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { filteredPaths } from '../../support/filtered.ts'
import { until } from '../../support/poll.ts'
import { postgresUrl } from '../../support/run/shared.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const ndjson = { accept: 'application/x-ndjson' }
const retry = { domain: 'chatbooks', rate: 40 }

/** The lines of a stream of progress. */
const linesOf = (body: unknown): ProgressLine[] =>
  String(body)
    .trim()
    .split('\n')
    .map((line) => ProgressLine.parse(JSON.parse(line)))

const waitsOf = (body: unknown) =>
  linesOf(body).flatMap((line) => ('progress' in line && line.progress.waiting ? [line.progress.waiting] : []))

/** The operation that waits; by the database, since a call of an operator may be the one that waits. */
const whatWaits = (world: World) =>
  until('an operation waits', async () => {
    const [row] = await world.sql<{ id: number }[]>`select operation_id as id from jobsctl_waits`
    return row?.id
  })

const stop = (world: World, id: number) => world.post(`/api/v1/jobs/operations/${id}/stop`, {})
const expectNoWaits = async (world: World) => expect(await world.sql`select from jobsctl_waits`).toHaveLength(0)

describe('a change beside a replication slot that nobody reads', () => {
  const slot = `nobody_${process.pid}`
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_CHANGE_MAX_WAL: '1000000' })
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  /** Runs beside a slot that keeps more than 1 MB of the log. */
  async function besideSlot(run: (drop: () => Promise<unknown>) => Promise<void>): Promise<void> {
    const { sql } = world
    const drop = () => sql`
      select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = ${slot}::text`
    await sql`select pg_create_physical_replication_slot(${slot}::text::name, true)`
    await sql`select pg_logical_emit_message(false, 'filler', repeat('x', 2000000))`
    await run(drop).finally(drop)
  }

  it('waits until the slot is gone, and says so in its progress and to who follows it', () =>
    besideSlot(async (drop) => {
      await world.jobs(60, { status: 'failed' })
      const change = world.confirm(filteredPaths.retry, retry, ndjson)
      const id = await whatWaits(world)
      const following = world.call('GET', `/api/v1/jobs/operations/${id}/progress`)
      // The first batch of forty jobs a second has twenty.
      await until('the database says for how long it waits', async () => {
        const waits = await world.sql`select from jobsctl_waits where (waiting ->> 'seconds')::int >= 3`
        return waits.length > 0
      })
      expect(await world.sql`select from jobs where status = 'queued'`).toHaveLength(20)
      await drop()
      for (const { body } of [await change, await following]) {
        expect(waitsOf(body)).toContainEqual({
          ...{ why: 'kept_wal', name: slot, value: expect.any(Number), limit: 1_000_000, seconds: 0 },
          detail: expect.stringMatching(
            new RegExp(`^the replication slot ${slot} keeps [\\d.]+ MB of WAL \\(limit 1 MB\\)$`),
          ),
        })
        expect(Math.max(...waitsOf(body).map(({ seconds }) => seconds))).toBeGreaterThanOrEqual(3)
        expect(linesOf(body).at(-1)).toMatchObject({ result: { affected: 60, operation_id: id } })
      }
      await expectNoWaits(world)
    }))

  it('ends its wait when somebody stops it', () =>
    besideSlot(async () => {
      await world.jobs(60, { status: 'failed' })
      const change = world.confirm(filteredPaths.retry, retry)
      await stop(world, await whatWaits(world))
      expect(await change).toMatchObject({
        status: 503,
        body: { code: 'partial', detail: expect.stringContaining('single-user stopped it; 20 jobs were changed') },
      })
      await expectNoWaits(world)
    }))

  it('ends its wait at its time', () =>
    besideSlot(async () => {
      await world.jobs(60, { status: 'failed' })
      const soon = (ms: number) => new Date(Date.now() + ms).toISOString()
      const retryUntil = (time: string) => world.confirm(filteredPaths.retry, { ...retry, until: time })
      let [ms, time] = [3000, soon(3000)]
      let answer = await retryUntil(time)
      // On a busy machine the time is over before the first batch.
      for (; JSON.stringify(answer.body).includes('nothing was changed') && ms < 24_000; ms *= 2) {
        time = soon(2 * ms)
        answer = await retryUntil(time)
      }
      expect(answer).toMatchObject({
        status: 503,
        body: { code: 'partial', detail: expect.stringContaining(`its time was over (${time}); 20 jobs`) },
      })
    }))

  it('does not wait where it is one batch', () =>
    besideSlot(async () => {
      await world.jobs(60, { status: 'failed' })
      expect(await world.confirm(filteredPaths.retry, { domain: 'chatbooks' })).toMatchObject({
        status: 200,
        body: { affected: 60, batches: 1 },
      })
    }))
})

/**
 * Reads the replicas `times` times by a pool that has not read them before, and counts the statements: those that look in the catalog for the
 * function of Aurora, and those that call the function.
 */
async function timesAsked(sql: Pool, times: number) {
  const asked = { catalog: 0, readers: 0 }
  const counting = new Proxy(sql, {
    apply(target, self, given) {
      const text = Array.isArray(given[0]) ? given[0].join('') : ''
      if (text.includes('to_regprocedure')) asked.catalog += 1
      else if (text.includes('aurora_replica_status')) asked.readers += 1
      return Reflect.apply(target, self, given)
    },
  })
  for (let n = 0; n < times; n++) await readReplicas(counting)
  return asked
}

describe('a change beside a reader of Amazon Aurora that lags', () => {
  it('waits until the reader has caught up', async () => {
    const world = await openWorld('postgres')
    const superuser = postgres(
      Object.assign(new URL(await postgresUrl()), { pathname: new URL(world.env.JOBS_DB_URL ?? '').pathname }).href,
      { max: 1, onnotice: () => {} },
    )
    try {
      const readersLagBy = (ms: number) =>
        superuser.unsafe(`
          create or replace function pg_catalog.aurora_replica_status()
          returns table (server_id text, session_id text, replica_lag_in_msec float8) language sql stable as $$
            values ('writer', 'MASTER_SESSION_ID', null), ('reader-1', 'a', 3.0), ('reader-2', 'b', ${ms}.0)
          $$`)
      await superuser`set allow_system_table_mods = on`
      await readersLagBy(11_000)
      await world.jobs(60, { status: 'failed' })
      const change = world.confirm(filteredPaths.retry, retry, ndjson)
      await whatWaits(world)
      await readersLagBy(5)
      const { body } = await change
      expect(waitsOf(body)).toContainEqual(
        expect.objectContaining({ why: 'replica_lag', name: 'reader-2', value: 11, limit: 10 }),
      )
      expect(linesOf(body).at(-1)).toMatchObject({ result: { affected: 60 } })
      expect(await timesAsked(world.sql, 3)).toEqual({ catalog: 1, readers: 3 })
    } finally {
      await superuser.end()
      await world.stop()
    }
  })
})

describe.each(kinds)('a prune whose archive comes to its limit on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_ARCHIVE_MAX_BYTES: '1000000' })
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  it('waits, and what it has done by then stands', async () => {
    await world.jobs(600)
    await world.sql`
      update jobs
      set payload = jsonb_build_object('text', (select string_agg(md5(i::text || jobs.id), '') from generate_series(1, 200) as i))`
    const change = world.confirm(paths.prune, { ...retry }, ndjson)
    await stop(world, await whatWaits(world))
    const { body } = await change
    expect(waitsOf(body)[0]).toMatchObject({
      ...{ why: 'archive_size', name: 'jobs_archive', limit: 1_000_000, seconds: 0 },
      detail: expect.stringMatching(/^jobs_archive has [\d.]+ [kM]B \(limit 1 MB\)$/),
    })
    expect(linesOf(body).at(-1)).toMatchObject({ error: { code: 'partial' } })
    const archived = await world.sql`select from jobs_archive`
    expect(archived.length).toBeGreaterThan(0)
    expect(archived.length).toBeLessThan(600)
    expect(linesOf(body).at(-1)).toMatchObject({
      error: {
        detail: expect.stringContaining(`${archived.length} ${archived.length === 1 ? 'job was' : 'jobs were'}`),
      },
    })
  })

  it('is no limit of a change that archives nothing', async () => {
    await world.jobs(60, { status: 'failed' })
    const { body } = await world.confirm(filteredPaths.retry, { ...retry, rate: 100 })
    expect(body).toMatchObject({ affected: 60, batches: 2 })
  })
})

it('goes on, and warns once, where nobody can look', async () => {
  const world = await openWorld('postgres')
  const other = otherProgram(world, 1)
  await other`set allow_system_table_mods = on`
  await other`alter view pg_catalog.pg_replication_slots rename to not_there`
  await world.jobs(200, { status: 'failed' })
  const { body } = await world.confirm(filteredPaths.retry, { domain: 'chatbooks', rate: 50 })
  expect(body).toMatchObject({ affected: 200 })
  const warnings = world.log.filter((line) => line.includes('cannot be read, and a change does not wait for it'))
  expect(warnings).toHaveLength(2)
  await other.end()
  await world.stop()
})
