import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { isUnchangedSince } from '../../../../server/bulk/token/snapshot.ts'
import { holding, otherProgram } from '../../../support/changes/bulk-tools.ts'
import { inPartitions } from '../../../support/database/partitions.ts'
import { until } from '../../../support/poll.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../../support/world.ts'

const Previewed = z.looseObject({ preview: z.looseObject({ count: z.number(), token: z.string() }) })

/** What becomes a partition of jobs: a table, or one that has partitions itself. */
const attached = {
  'a table': '',
  'a table with partitions': 'partition by range (created_at)',
} as const

describe('changes of jobs with partitions', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(
      'postgres',
      { JOBS_LOCK_TIMEOUT_SECONDS: '10' },
      inPartitions([
        'list (domain)',
        `create table jobs_chatbooks partition of jobs for values in ('chatbooks');
         create schema elsewhere;
         create table elsewhere."Jobs of media" partition of jobs for values in ('media');`,
      ]),
    )
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.sql`delete from jobs`
    await insert('chatbooks', 20)
    await insert('media', 20)
  })

  const insert = (domain: string, n: number, table = 'jobs') =>
    world.sql.unsafe(`
      insert into ${table} (domain, queue, job_type, payload, status, created_at, completed_at)
      select '${domain}', 'q', 't', '{}', 'completed', timestamptz '2025-06-01', timestamptz '2025-06-01' from generate_series(1, ${n})`)
  const count = async (domain: string) => {
    const [row] = await world.sql<[{ count: number }]>`select count(*)::int as count from jobs where domain = ${domain}`
    return row.count
  }
  const prune = async (body = {}) => world.confirm('/api/v1/jobs/prune', { older_than_days: 30, ...body })
  const preview = async () => Previewed.parse((await prune({ dry_run: true })).body).preview

  const buildIndex = () => runServer(['indexes', 'build', 'jobsctl_created'], world.env)

  it.each(Object.entries(attached))(
    'leave the old jobs of %s that was attached after their preview',
    async (_what, by) => {
      await world.sql.unsafe(`
      create table waiting (like jobs including defaults including constraints) ${by};
      ${by && 'create table waiting_all partition of waiting default;'}`)
      await insert('mail', 30, 'waiting')
      const { count: previewed, token } = await preview()
      expect(previewed).toBe(40)
      await world.sql`alter table jobs attach partition waiting for values in ('mail')`
      const done = await prune({ preview_token: token })
      expect(done).toMatchObject({ status: 200, body: { deleted: 40 } })
      expect([await count('chatbooks'), await count('media'), await count('mail')]).toEqual([0, 0, 30])
      const again = await preview()
      expect(again.count).toBe(30)
      expect(await prune({ preview_token: again.token })).toMatchObject({ status: 200, body: { deleted: 30 } })
      await world.sql`drop table waiting`
    },
  )

  it('count a partition as older than a preview that is more than 2^31 transactions newer', async () => {
    const [{ attached }] = await world.sql<[{ attached: string }]>`
      select max(xmin::text::bigint)::text as attached from pg_inherits where inhparent = 'jobs'::regclass`
    const end = BigInt(attached) + 2n ** 31n + 1000n
    const [row] = await world.sql<[{ count: number }]>`
      select count(*)::int as count from jobs where ${isUnchangedSince(world.sql, `${end}:${end}:`)}`
    expect(row).toEqual({ count: 40 })
  })

  it('wait for no lock on a partition of another table that was attached after their preview', async () => {
    await world.sql.unsafe(`
      create table others (id int) partition by list (id);
      create table others_1 (id int) partition by list (id);
      create table others_1_all partition of others_1 default`)
    const { token } = await preview()
    await world.sql`alter table others attach partition others_1 for values in (1)`
    const other = otherProgram(world)
    const letGo = await holding(other, (tx) => tx`lock table others_1_all in access exclusive mode`)
    try {
      expect(await prune({ preview_token: token })).toMatchObject({ status: 200, body: { deleted: 40 } })
    } finally {
      await letGo()
      await other.end()
      await world.sql`drop table others`
    }
  })

  it('without a preview leave the old jobs of a table that is attached meanwhile, and end as usual', async () => {
    const latch = 4711
    await world.sql.unsafe(`
      create table waiting (like jobs including defaults including constraints);
      create function wait_for_latch() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(${latch}); return old; end $$;
      create trigger latch before delete on jobs_chatbooks for each row execute function wait_for_latch()`)
    await insert('mail', 30, 'waiting')
    const other = otherProgram(world)
    const letGo = await holding(other, (tx) => tx`select pg_advisory_xact_lock(${latch})`)
    try {
      const answer = prune()
      await until('the change waits', async () => {
        const rows =
          await world.sql`select from pg_locks where locktype = 'advisory' and objid = ${latch} and not granted`
        return rows.length > 0
      })
      await world.sql`alter table jobs attach partition waiting for values in ('mail')`
      await letGo()
      expect(await answer).toMatchObject({ status: 200, body: { deleted: 40 } })
      expect(await count('mail')).toBe(30)
    } finally {
      await letGo()
      await other.end()
      await world.sql.unsafe('drop table waiting; drop trigger latch on jobs_chatbooks; drop function wait_for_latch')
    }
  })

  it('are refused on a partition that is a foreign table, and go on in the others', async () => {
    const { hostname, port, pathname, username } = new URL(world.env.JOBS_DB_URL ?? '')
    await world.sql.unsafe(
      'create extension if not exists postgres_fdw; create schema far; create table far.mail (like jobs)',
    )
    await world.sql.unsafe(`
      create server loop foreign data wrapper postgres_fdw options (host '${hostname}', port '${port}', dbname '${pathname.slice(1)}');
      create user mapping for current_user server loop options (user '${username}', password_required 'false');
      create foreign table mail partition of jobs for values in ('mail') server loop options (schema_name 'far')`)
    await world.sql.unsafe(`
      insert into far.mail (id, uuid, domain, queue, job_type, payload, status, created_at, completed_at)
      select 100000 + n, gen_random_uuid(), 'mail', 'q', 't', '{}', 'completed', timestamptz '2025-06-01', timestamptz '2025-06-01' from generate_series(1, 10) as n`)
    const refused = {
      status: 422,
      body: { code: 'not_supported', detail: expect.stringContaining('nothing was changed') },
    }
    expect(await prune()).toMatchObject(refused)
    expect(await prune({ domain: 'mail' })).toMatchObject(refused)
    expect(await prune({ domain: 'chatbooks' })).toMatchObject({ status: 200, body: { deleted: 20 } })
    expect([await count('chatbooks'), await count('media'), await count('mail')]).toEqual([0, 20, 10])
    await world.sql`drop foreign table mail`
  })

  it('have indexes on a partition in another schema, whose name needs quotes', async () => {
    expect(await buildIndex()).toMatchObject({ code: 0, out: 'the index jobsctl_created is built\n' })
    const [row] = await world.sql`
      select count(*)::int as count from pg_indexes where schemaname = 'elsewhere' and indexname like 'jobsctl\\_created%'`
    expect(row).toEqual({ count: 1 })
  })

  it('delete no job of a partition that was detached after the preview', async () => {
    const { token } = await preview()
    await world.sql`alter table jobs detach partition jobs_chatbooks`
    expect(await prune({ preview_token: token })).toMatchObject({ status: 200, body: { deleted: 20 } })
    const [row] = await world.sql`select count(*)::int as count from jobs_chatbooks`
    expect(row).toEqual({ count: 20 })
    await world.sql`alter table jobs attach partition jobs_chatbooks for values in ('chatbooks')`
  })

  it('are undone without the jobs that no partition takes any more, which are named', async () => {
    const { token } = await preview()
    const done = await prune({ preview_token: token })
    const { operation_id: id } = z.looseObject({ operation_id: z.number() }).parse(done.body)
    await world.sql`alter table jobs detach partition jobs_chatbooks`
    const undone = await world.confirm(`/api/v1/jobs/operations/${id}/undo`, {})
    expect(undone).toMatchObject({ status: 200, body: { affected: 20, conflict_count: 20 } })
    expect(await count('media')).toBe(20)
    await world.sql`alter table jobs attach partition jobs_chatbooks for values in ('chatbooks')`
    expect(await world.confirm(`/api/v1/jobs/operations/${id}/undo`, {})).toMatchObject({ body: { affected: 20 } })
    expect(await count('chatbooks')).toBe(20)
  })

  it('count the jobs while a partition is unlogged, and doctor says why', async () => {
    await world.sql`create unlogged table jobs_mail (like jobs including defaults including constraints)`
    await world.sql`alter table jobs attach partition jobs_mail for values in ('mail')`
    const counts = async () => {
      const { body } = await world.call('GET', '/api/v1/jobs/stats')
      return z.array(z.looseObject({ domain: z.string(), queued: z.number() })).parse(body)
    }
    await world.sql`insert into jobs_mail (domain, queue, job_type, payload, status) values ('mail', 'q', 't', '{}', 'queued')`
    expect((await counts()).find(({ domain }) => domain === 'mail')).toMatchObject({ queued: 1 })
    const said = await until('doctor says it', async () => {
      const { out } = await world.jobsctl(['doctor'])
      return /counts\twarning\t.*/.exec(out)?.[0]
    })
    expect(said).toContain('no logged tables')
    await world.sql`insert into jobs_mail (domain, queue, job_type, payload, status) values ('mail', 'q', 't', '{}', 'queued')`
    expect((await counts()).find(({ domain }) => domain === 'mail')).toMatchObject({ queued: 2 })
    await world.sql`drop table jobs_mail`
  })
})
