import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deleteExpiredArchive } from '../../../server/undo/archive/archive-retention.ts'
import { ask, at, doneOf, holding, otherProgram, prune } from '../../support/changes/bulk-tools.ts'
import { openWorld, type World } from '../../support/world.ts'

const many = 1500
const going = new AbortController().signal

describe('tables that another program made in its own way', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '1' })
  })
  afterEach(() => world.stop())

  const rows = async () =>
    (await world.sql<{ row: string }[]>`select to_jsonb(jobs)::text as row from jobs order by id`).map(({ row }) => row)
  const undone = async (id = 1) => doneOf(await world.confirm(at.undo(id), {})).affected

  it('an archive in partitions gives every job back', async () => {
    await partitioned(world)
    await world.jobs(many)
    const before = await rows()
    expect(doneOf(await ask(world, prune)).affected).toBe(many)
    expect(await undone()).toBe(many)
    expect(await rows()).toEqual(before)
    expect(await world.sql`select from jobs_archive`).toHaveLength(0)
  })

  it('an archive in partitions keeps what the sweep of another does not expire', async () => {
    await partitioned(world)
    await world.sql`
      insert into jobs_archive (id, uuid, domain, queue, job_type, status, archived_at)
      select i, 'theirs' || i, 'd', 'q', 't', 'completed', now() - interval '900 days' from generate_series(1, 500) i`
    await world.jobs(500)
    expect(doneOf(await ask(world, prune)).affected).toBe(500)
    await world.sql`update jobs_archive set archived_at = now() - interval '30 days' where operation_id is not null`
    await world.sql`vacuum full jobs_archive`
    expect(await deleteExpiredArchive(world.sql, { days: 7, stopping: going })).toBe(500)
    expect(await world.sql`select from jobs_archive where operation_id is null`).toHaveLength(500)
  })

  it('an archive that numbers its rows, and makes columns of others, takes jobs and gives them back', async () => {
    await world.sql.unsafe(`
      alter table jobs add column shout text generated always as (upper(job_type)) stored;
      drop table jobs_archive;
      create table jobs_archive (like jobs including generated, archived_at timestamptz default now());
      alter table jobs_archive alter id add generated always as identity`)
    await world.jobs(20)
    const before = await rows()
    expect(doneOf(await ask(world, prune)).affected).toBe(20)
    expect(await undone()).toBe(20)
    expect(await rows()).toEqual(before)
  })

  it('a constraint that is looked at late does not keep jobs from coming back, but for those it is against', async () => {
    await world.sql`
      alter table jobs add column number integer unique deferrable initially deferred,
        add exclude using btree (uuid with =) deferrable initially deferred`
    const [first = 0] = await world.jobs(20)
    await world.sql`update jobs set number = id`
    expect(doneOf(await ask(world, prune)).affected).toBe(20)
    await world.sql`
      insert into jobs (id, domain, queue, job_type, status, number) overriding system value
      values (4711, 'd', 'q', 't', 'queued', ${first})`
    expect(await world.confirm(at.undo(1), {})).toMatchObject({
      status: 200,
      body: { affected: 19, conflict_count: 1, conflicts: [{ job_id: first }] },
    })
    expect(await world.count()).toBe(20)
  })

  it('edges with foreign keys come back whichever way their ends went, and in whatever order they come', async () => {
    await world.sql`
      alter table job_dependencies
        add foreign key (job_uuid) references jobs (uuid), add foreign key (depends_on_job_uuid) references jobs (uuid)`
    await world.jobs(many)
    await world.jobs(1, { domain: 'elsewhere' })
    await world.sql`
      insert into job_dependencies (job_uuid, depends_on_job_uuid)
      select uuid, lag(uuid) over (order by id) from jobs order by id offset 1`
    const edges = async () =>
      (await world.sql<{ edge: string }[]>`select to_jsonb(d)::text as edge from job_dependencies d order by 1`).map(
        ({ edge }) => edge,
      )
    const before = await edges()
    expect(before).toHaveLength(many)
    for (const turned of [false, true]) {
      const done = [
        doneOf(await ask(world, prune, { domain: 'chatbooks' })),
        doneOf(await ask(world, prune, { domain: 'elsewhere' })),
      ]
      expect(done.map(({ affected }) => affected)).toEqual([many, 1])
      expect(await edges()).toEqual([])
      for (const { operation } of turned ? done.reverse() : done) await undone(operation)
      expect(await edges()).toEqual(before)
      await world.sql`delete from jobsctl_holds`
    }
  })

  it('jobs of one id are told apart by the filters, beside a lock, too', async () => {
    await world.jobs(20)
    await world.sql`alter table jobs drop constraint jobs_pkey`
    await world.sql`
      insert into jobs (id, domain, queue, job_type, status) overriding system value
      select id, 'other', queue, job_type, 'queued' from jobs`
    const other = otherProgram(world)
    const letGo = await holding(
      other,
      (tx) => tx`select from jobs where status = 'completed' order by completed_at limit 1 for update`,
    )
    expect(doneOf(await ask(world, prune))).toMatchObject({ affected: 19, skippedLocked: 1 })
    await letGo()
    await other.end()
    expect(await world.sql`select from jobs where status = 'queued'`).toHaveLength(20)
  })
})

/** The same in four places. */
const partitioned = (world: World) =>
  world.sql.unsafe(`
    drop table jobs_archive;
    create table jobs_archive (like jobs, archived_at timestamptz default now()) partition by hash (uuid);
    ${[0, 1, 2, 3].map((at) => `create table archive_${at} partition of jobs_archive for values with (modulus 4, remainder ${at})`).join(';')}`)
