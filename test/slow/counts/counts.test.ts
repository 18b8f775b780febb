import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { holding, otherProgram } from '../../support/changes/bulk-tools.ts'
import { everyKind } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { countsOf, expectRight, groupsOf } from '../../support/observe/counts.ts'
import { until } from '../../support/poll.ts'
import { postgresUrl } from '../../support/run/shared.ts'
import { openWorld, type World } from '../../support/world.ts'

const right = { kept: true, why: null, wrong: 0 }

describe.each(everyKind)('the counts behind stats on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await until('the counts are kept', async () => (await countsOf(world)).kept)
    await world.jobs(20, { status: 'queued', domain: 'many' })
    await world.jobs(3, { status: 'processing' })
    await world.jobs(2, { status: 'queued', available_at: ago(-40 * 86_400) })
  })

  it('are those of the jobs, whatever plain SQL does to them', async () => {
    await world.sql`update jobs set status = 'quarantined', quarantined_at = now() where status = 'processing'`
    await world.sql`update jobs set available_at = now() + interval '3 hours' where domain = 'many' and id % 2 = 0`
    await world.sql`update jobs set job_type = 'other' where domain = 'many' and id % 3 = 0`
    await world.sql`delete from jobs where domain = 'many' and id % 5 = 0`
    await world.sql`
      insert into jobs (domain, queue, job_type, status, idempotency_key) values ('a', 'b', 'c', 'queued', 'k')
      on conflict (domain, queue, job_type, idempotency_key) do update set status = 'processing'`
    await world.sql`
      insert into jobs (domain, queue, job_type, status, idempotency_key) values ('a', 'b', 'c', 'queued', 'k')
      on conflict (domain, queue, job_type, idempotency_key) do update set status = 'processing'`
    const undone = world.sql.begin(async (tx) => {
      await tx`update jobs set status = 'completed'`
      throw new Error('never mind')
    })
    await expect(undone).rejects.toThrow('never mind')

    await expectRight(world)
    expect(await countsOf(world)).toMatchObject(right)
  })

  it('are not used while a trigger is disabled, nor after, until all jobs have been counted again', async () => {
    await world.sql`alter table jobs disable trigger jobsctl_count_update`
    await world.sql`update jobs set status = 'completed' where id % 2 = 0`
    await expectRight(world)
    expect(await countsOf(world)).toMatchObject({
      kept: false,
      why: 'a trigger of jobs is missing or disabled: jobsctl_count_update is disabled',
      triggers: [{ trigger: 'jobsctl_count_update', table: 'jobs', state: 'disabled' }],
    })
    const { out } = await world.jobsctl(['doctor'])
    expect(out).toContain('alter table jobs enable always trigger jobsctl_count_update')
    await world.sql`alter table jobs enable trigger jobsctl_count_update`
    await expectRight(world)

    await until('they are kept again', async () => (await countsOf(world)).kept)
    await expectRight(world)
    expect(await countsOf(world)).toMatchObject(right)
  })

  it('begin anew when the table is truncated', async () => {
    await world.sql`truncate jobs`
    expect(await groupsOf(world)).toEqual([])
    await world.jobs(2, { status: 'queued', domain: 'many' })
    await expectRight(world)
    await until('they are kept again', async () => (await countsOf(world)).kept)
    await expectRight(world)
  })

  it('that somebody has changed are reported by doctor, and set right', async () => {
    await until('they are added up', async () => (await world.sql`select from jobsctl_count_deltas`).length === 0)
    await world.sql`update jobsctl_counts set queued = queued + 7 where domain = 'many' and span = ''`
    const doctor = async () => {
      const { out } = await world.jobsctl(['doctor'])
      return out.split('\n').find((line) => line.startsWith('counts'))
    }
    expect(await doctor()).toMatch(
      /^counts\twarning\tthe counts of stats were wrong by 7 jobs; the server has corrected them\t/,
    )
    await expectRight(world)
    expect(await doctor()).toMatch(
      /^counts\tok\tthe counts of stats match the rows of jobs; 7 jobs were corrected on \d{4}-/,
    )
    expect(world.log.some((line) => line.includes('were wrong by 7 jobs'))).toBe(true)
  })

  it('are not trusted when sums of another database are loaded on top of them, but counted again', async () => {
    await world.sql`
        insert into jobsctl_counts (domain, queue, job_type, span, starts, queued)
        values ('another', 'q', 't', '', '-infinity', 5), ('many', 'default', 'export', 'day', 'infinity', 5)`
    await expectRight(world)
    await until('they are kept again', async () => (await countsOf(world)).kept)
    expect(await world.sql`select from jobsctl_counts where domain = 'another'`).toHaveLength(0)
    await expectRight(world)
  })

  it('are not believed where they are less than nothing', async () => {
    await until('they are added up', async () => (await world.sql`select from jobsctl_count_deltas`).length === 0)
    await world.sql`update jobsctl_counts set processing = -5 where span = ''`
    await expectRight(world)
  })
})

describe('counts and transactions', () => {
  let world: World
  let other: postgres.Sql
  beforeAll(async () => {
    world = await openWorld('postgres')
    await until('the counts are kept', async () => (await countsOf(world)).kept)
  })
  afterEach(() => other?.end())
  afterAll(() => world?.stop())

  it('are kept while a transaction in another database has no end', async () => {
    other = postgres(await postgresUrl(), { max: 1 })
    await other`begin`
    await other`select pg_current_xact_id()`
    await world.sql`truncate jobs`
    await world.jobs(3, { status: 'queued' })
    await until('they are kept again', async () => (await countsOf(world)).kept)
    await expectRight(world)
  })

  it('are not believed before all are over who may not see that they are kept', async () => {
    other = postgres(world.env.JOBS_DB_URL ?? '', { max: 1 })
    await world.sql`update jobsctl_counting set until = '-infinity'`
    await other`begin isolation level repeatable read`
    await other`select from jobsctl_counting`
    // As a server does that has just started.
    await world.sql`update jobsctl_counting set until = now() + interval '1 hour', triggers = null`
    for (const _ of [1, 2, 3]) {
      await world.jobs(1, { status: 'queued' })
      await until('they are added up', async () => (await world.sql`select from jobsctl_count_deltas`).length === 0)
    }
    await other`insert into jobs (domain, queue, job_type, status) values ('late', 'q', 't', 'queued')`
    await other`commit`
    // Before anybody asks how they stand, which sets them right.
    await expectRight(world)
    await until('they are kept again', async () => (await countsOf(world)).kept)
    await expectRight(world)
  })

  it('are not kept for a table that a crash would empty', async () => {
    await world.sql`alter table jobs set unlogged`
    await expectRight(world)
    expect(await countsOf(world)).toMatchObject({ kept: false, why: expect.stringContaining('not a plain table') })
    await world.sql`alter table jobs set logged`
    await until('they are kept again', async () => (await countsOf(world)).kept)
  })
})

describe('the triggers of jobs while an index of it is built', () => {
  let world: World
  let other: postgres.Sql
  beforeAll(async () => {
    world = await openWorld('postgres')
    other = otherProgram(world)
    await until('the counts are kept', async () => (await countsOf(world)).kept)
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })

  it('are being built, and not missing', async () => {
    // A concurrent build ends after every older snapshot, and holds until then the lock that a new trigger needs.
    const releaseBuild = await holding(other, async (tx) => {
      await tx`set transaction isolation level repeatable read`
      await tx`select pg_current_snapshot()`
    })
    const { built } = await dropBeforeBuild()
    try {
      await until('a trigger is being built', async () => (await countsOf(world)).triggers?.[0]?.state === 'building')
      expect(await countsOf(world)).toMatchObject({
        kept: false,
        why: 'an index of jobs is being built, and after it the triggers jobsctl_count_update',
        triggers: [{ trigger: 'jobsctl_count_update', table: 'jobs', state: 'building' }],
      })
      const { out } = await world.jobsctl(['doctor'])
      expect(out).toMatch(/^counts\twarning\t.*an index of jobs is being built.*; wait until they are built$/m)
      expect(out).toMatch(/^history\twarning\t.*wait until its triggers are built, after an index of jobs$/m)
    } finally {
      await releaseBuild()
      await built
    }
    await until('the counts are kept again', async () => (await countsOf(world)).kept)
  })

  /** Drops triggers, and has the build take the lock of the table before the server makes them again. */
  async function dropBeforeBuild() {
    const release = await holding(other, async (tx) => {
      await tx`drop trigger jobsctl_count_update on jobs`
      await tx`drop trigger jobsctl_history_update on jobs`
    })
    const built = other`create index concurrently theirs_slow on jobs (id)`.execute()
    const isWaiting = async () =>
      (await other`select from pg_locks where relation = 'jobs'::regclass and not granted`).length
    await until('the build waits for the table', async () => (await isWaiting()) > 0)
    await release()
    return { built }
  }
})

describe('the triggers behind stats', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await until('the counts are kept', async () => (await countsOf(world)).kept)
  })
  afterAll(() => world?.stop())

  it('serve roles that may do nothing with the tables of the counts, and any name that a program gives its columns', async () => {
    await world.sql`alter table jobs add column span text, add column n integer, add column starts text`
    await world.sql.unsafe(`
      create role another_program login;
      grant usage on schema public to another_program;
      grant select, insert, update, delete on jobs to another_program;
      grant usage on all sequences in schema public to another_program`)
    try {
      await world.sql.begin(async (tx) => {
        await tx`set local role another_program`
        await tx`
          insert into jobs (domain, queue, job_type, status, span, n, starts)
          select 'd', 'q', 't', 'queued', 'day', n, 'soon' from generate_series(1, 10) n`
        await tx`update jobs set status = 'processing', n = 7 where id % 2 = 0`
        await tx`delete from jobs where id % 3 = 0`
      })
      await expectRight(world)
      expect(await countsOf(world)).toMatchObject(right)
      const stranger = world.sql.begin(async (tx) => {
        await tx`set local role another_program`
        await tx`create temporary table fresh (id int)`
        await tx`create trigger t after truncate on fresh execute function public.jobsctl_count_truncate()`
      })
      await expect(stranger).rejects.toThrow('permission denied for function')
    } finally {
      await world.sql`drop owned by another_program`
      await world.sql`drop role another_program`
    }
  })
})
