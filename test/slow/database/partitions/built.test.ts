import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { holding, otherProgram } from '../../../support/changes/bulk-tools.ts'
import { inPartitions } from '../../../support/database/partitions.ts'
import { until } from '../../../support/poll.ts'
import { built } from '../../../support/programs/built.ts'
import { startChild } from '../../../support/programs/child.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../../support/world.ts'

let world: World
afterEach(() => world?.stop())

const build = (name = 'jobsctl_created') => runServer(['indexes', 'build', name], world.env)
const isBuilt = { code: 0, out: 'the index jobsctl_created is built\n' }

/** The tables of a tree of partitions that have a valid part of an index. */
async function tablesWith(name: string): Promise<string[]> {
  const rows = await world.sql<{ of: string }[]>`
    select indrelid::regclass::text as of
    from pg_partition_tree(to_regclass(${name})) join pg_index on indexrelid = relid
    where indisvalid
    order by 1`
  return rows.map(({ of }) => of)
}

const two = `
  create table jobs_eu partition of jobs for values in ('eu') partition by range (created_at);
  create table jobs_eu_old partition of jobs_eu for values from (minvalue) to ('2026-01-01');
  create table jobs_rest partition of jobs default;`
const three = `
  create table jobs_eu partition of jobs for values in ('eu') partition by range (created_at);
  create table jobs_eu_old partition of jobs_eu for values from (minvalue) to ('2026-01-01') partition by hash (id);
  create table jobs_eu_old_0 partition of jobs_eu_old for values with (modulus 1, remainder 0);
  create table jobs_none partition of jobs for values in ('none') partition by range (created_at);
  create table jobs_rest partition of jobs default;`

it.each([
  ['two', two, ['jobs', 'jobs_eu', 'jobs_eu_old', 'jobs_rest']],
  ['three', three, ['jobs', 'jobs_eu', 'jobs_eu_old', 'jobs_eu_old_0', 'jobs_none', 'jobs_rest']],
])(
  'an index of partitions on %s levels is built on each, and those that come later get it',
  async (_, parts, tables) => {
    world = await openWorld('postgres', {}, inPartitions(['list (domain)', parts]))
    expect(await build()).toMatchObject(isBuilt)
    expect(await tablesWith('jobsctl_created')).toEqual(tables)
    expect((await runServer(['indexes', 'plan'], world.env)).out).not.toContain('jobsctl_created\t')
    await world.sql.unsafe(`
    create table jobs_eu_new (like jobs including defaults including constraints) partition by hash (id);
    create table jobs_eu_new_0 partition of jobs_eu_new for values with (modulus 1, remainder 0);
    alter table jobs_eu attach partition jobs_eu_new for values from ('2026-01-01') to (maxvalue)`)
    expect(await tablesWith('jobsctl_created')).toEqual([...tables, 'jobs_eu_new', 'jobs_eu_new_0'].sort())
  },
)

describe('an index of partitions of partitions', () => {
  beforeEach(async () => {
    world = await openWorld('postgres', {}, inPartitions(['list (domain)', two]))
  })

  const insert = () => `
    insert into jobs (domain, queue, job_type, payload, status) values ('rest', 'q', 't', '{}', 'queued')`

  it('is built on from where a build was ended, with what was attached since', async () => {
    const other = otherProgram(world)
    const letGo = await holding(other, (tx) => tx.unsafe(insert()))
    const first = startChild([built.server, 'indexes', 'build', 'jobsctl_created'], { env: world.env })
    await until('a part is half built', async () => {
      const rows = await world.sql`
        select from pg_index join pg_class on oid = indexrelid where relname like 'jobsctl\\_created%' and not indisvalid`
      return rows.length > 0
    })
    first.process.kill('SIGKILL')
    await first.ended
    await letGo()
    await other.end()
    await until('the session of the build is over', async () => {
      const [row] = await world.sql<[{ n: number }]>`
        select count(*)::int as n from pg_stat_activity where query like 'create index concurrently%'`
      return row.n === 0
    })
    await world.sql`create table jobs_us partition of jobs for values in ('us')`
    expect(await build()).toMatchObject(isBuilt)
    expect(await tablesWith('jobsctl_created')).toEqual(['jobs', 'jobs_eu', 'jobs_eu_old', 'jobs_rest', 'jobs_us'])
  })

  it('makes no writer wait behind a transaction that does not end', async () => {
    // The build of a part would wait for that transaction.
    for (const leaf of ['jobs_eu_old', 'jobs_rest'])
      await world.sql.unsafe(`
        do $$ begin execute format('create index jobsctl_created_%s on ${leaf} (created_at, id)', '${leaf}'::regclass::oid); end $$`)
    const other = otherProgram(world)
    const letGo = await holding(other, (tx) => tx.unsafe(insert()))
    const building = startChild([built.server, 'indexes', 'build', 'jobsctl_created'], { env: world.env })
    await until('the build waits', () => building.output.err.includes('waiting'))
    for (let made = 0; made < 5; made++)
      await world.sql.begin(async (tx) => {
        await tx`set local lock_timeout = '10s'`
        await tx.unsafe(insert())
      })
    await letGo()
    await other.end()
    expect(await building.ended).toMatchObject(isBuilt)
  })

  it('that somebody has begun by hand is left to them, with what to type', async () => {
    await world.sql`create index jobsctl_created on only jobs (created_at, id)`
    const { code, err } = await build()
    expect({ code, err }).toMatchObject({ code: 6, err: expect.stringContaining('not on all of its partitions') })
    const drop = /drop index \S+;/.exec(err)?.[0] ?? ''
    expect(drop).toBe('drop index public.jobsctl_created;')
    await world.sql.unsafe(drop)
    expect(await build()).toMatchObject(isBuilt)
  })

  it('is built where a partition is a foreign table, which has no index', async () => {
    await world.sql.unsafe(`
      create extension postgres_fdw;
      create server far foreign data wrapper postgres_fdw;
      create foreign table jobs_far partition of jobs for values in ('far') server far`)
    expect(await build()).toMatchObject(isBuilt)
    expect(await tablesWith('jobsctl_created')).toEqual(['jobs', 'jobs_eu', 'jobs_eu_old', 'jobs_rest'])
  })
})
