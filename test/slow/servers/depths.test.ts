import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { writeDepths, writeMinute } from '../../../server/background/keep-depths.ts'
import { takeTask } from '../../../server/database/installation/background-tasks.ts'
import type { Pool } from '../../../server/database/sql.ts'
import { until } from '../../support/poll.ts'
import { spawnServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

/**
 * Lets each moment that is written be compared with a plain count of the jobs, in the snapshot in which it was written: the transaction of a
 * writer has one snapshot, and the trigger runs within it.
 */
const witness = (sql: Pool) =>
  sql.unsafe(`
    create table witness (moment timestamptz, groups bigint, jobs bigint, wrong jsonb);
    create function witness() returns trigger language plpgsql as $$
    begin
      insert into witness
      with counted as (
        select domain, queue, job_type,
          count(*) filter (where status = 'queued' and (available_at is null or available_at <= now())) as queued,
          count(*) filter (where status = 'queued' and available_at > now()) as scheduled,
          count(*) filter (where status = 'processing') as processing,
          count(*) filter (where status = 'quarantined') as quarantined
        from jobs where status in ('queued', 'processing', 'quarantined') group by 1, 2, 3
      ),
      base as (select max(moment) as moment from jobsctl_depth_moments where whole and moment <= now()),
      told as (
        select distinct on (group_id) domain, queue, job_type, queued, scheduled, processing, quarantined
        from jobsctl_depths join jobsctl_depth_groups on id = group_id
        where moment between (select moment from base) and now()
        order by group_id, moment desc
      ),
      live as (select * from told where queued + scheduled + processing + quarantined > 0),
      sums as (
        select sum(queued) as queued, sum(scheduled) as scheduled, sum(processing) as processing, sum(quarantined) as quarantined from counted
      ),
      wrong as (
        (select 'counted', t::text from (select * from counted except select * from live) as t)
        union all (select 'told', t::text from (select * from live except select * from counted) as t)
        union all (
          select 'sums', fresh::text from fresh, sums
          where (fresh.queued, fresh.scheduled, fresh.processing, fresh.quarantined)
            <> (coalesce(sums.queued, 0), coalesce(sums.scheduled, 0), coalesce(sums.processing, 0), coalesce(sums.quarantined, 0))
        )
      )
      select now(), (select count(*) from counted), (select sum(queued) from counted), (select jsonb_agg(to_jsonb(wrong)) from wrong);
      return null;
    end $$;
    create trigger witness after insert on jobsctl_depth_moments referencing new table as fresh for each statement execute function witness()`)

/**
 * Programs that insert, lease, schedule, end, move and delete jobs of 40 groups by SQL, until they are to stop, with a pause after each
 * statement. An error is one of a killed session.
 */
async function load(sql: Pool, stopping: AbortSignal, pauseMs: number): Promise<void> {
  for (let n = 0; !stopping.aborted; n++) {
    const some = sql`id in (select id from jobs where random() < 0.3 order by random() limit 20 for update skip locked)`
    const statements = [
      () => sql`
        insert into jobs (domain, queue, job_type, status, available_at)
        select 'd' || i % 4, 'q' || (random() * 9)::int, 't', 'queued', case i % 3 when 0 then now() + random() * interval '150 seconds' end
        from generate_series(1, 25) as i`,
      () => sql`update jobs set status = 'processing', lease_id = id::text where status = 'queued' and ${some}`,
      () =>
        sql`update jobs set status = case id % 3 when 0 then 'quarantined' else 'completed' end where status = 'processing' and ${some}`,
      () =>
        sql`update jobs set available_at = now() + random() * interval '2 seconds' where status = 'queued' and ${some}`,
      () => sql`update jobs set queue = 'q' || (random() * 9)::int where ${some}`,
      () => sql`delete from jobs where status in ('completed', 'quarantined') and ${some}`,
    ]
    await statements[n % statements.length]?.()?.catch(() => {})
    if (pauseMs > 0) await wait(pauseMs)
  }
}

describe('the depths of queues', () => {
  const ending: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  async function open(overrides: Record<string, string>): Promise<World> {
    const world = await openWorld('postgres', overrides)
    ending.push(() => world.stop())
    await witness(world.sql)
    return world
  }

  function begin(sql: Pool, pauseMs = 0): void {
    const stopping = new AbortController()
    const loads = Promise.all([1, 2, 3].map(() => load(sql, stopping.signal, pauseMs)))
    ending.push(() => {
      stopping.abort()
      return loads
    })
  }

  const moments = async ({ sql }: World) => [
    ...(await sql<
      { moment: string; groups: number; jobs: number; wrong: unknown }[]
    >`select * from witness order by moment`),
  ]

  it('are those of a plain count in the same snapshot, whatever is killed, and where the clock is set', async () => {
    const world = await open({})
    begin(world.sql)
    const [least, most] = [Date.now() + 10_000, Date.now() + 90_000]
    let [written, killed, steps] = [0, 0, 0]
    const isEnough = () => Date.now() > least && written > 80 && killed > 20 && steps > 1
    while (!isEnough() && Date.now() < most) {
      const writing = writeDepths(world.sql).catch(() => undefined)
      if (written % 7 === 3) {
        // The writers are ended wherever they are, and with them the keeper of the counts.
        const gone = await world.sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and random() < 0.4`.catch(
          () => [],
        )
        killed += gone.length
      }
      if (await writing) written += 1
      else await wait(50)
      if (written % 20 === 19) {
        // All moments lie ahead of a clock that was set back by half an hour, or behind one that was set on by two hours.
        const step = steps % 2 === 0 ? '30 minutes' : '-2 hours'
        await world.sql`
          with rows as (update jobsctl_depths set moment = moment + ${step}::interval)
          update jobsctl_depth_moments set moment = moment + ${step}::interval`.catch(() => {})
        written += 1
        steps += 1
      }
    }
    const all = await until('the moments are read', () => moments(world).catch(() => undefined))
    expect(all.filter(({ wrong }) => wrong !== null)).toEqual([])
    expect(all.length).toBeGreaterThan(50)
    expect(killed).toBeGreaterThan(10)
    expect(steps).toBeGreaterThan(1)
    expect(all.some(({ groups, jobs }) => groups > 30 && jobs > 100)).toBe(true)
  }, 120_000)

  it('are written once a minute, however many write at the same time', async () => {
    const world = await open({ JOBS_BACKGROUND: 'off' })
    await world.jobs(5)
    await takeTask(world.sql, 'depths', 30)
    for (let round = 0; round < 5; round += 1) {
      await world.sql`delete from jobsctl_depths`
      await world.sql`delete from jobsctl_depth_moments`
      await world.sql`delete from jobsctl_depth_groups`
      await world.sql`delete from witness`
      const written = await Promise.all([1, 2, 3, 4].map(() => writeMinute(world.sql)))
      const minutes = (await moments(world)).map(({ moment }) => moment.slice(0, 16))
      expect(minutes.length).toBeGreaterThan(0)
      expect(new Set(minutes).size).toBe(minutes.length)
      expect(written.filter(Boolean)).toHaveLength(minutes.length)
    }
  })

  it('are written once a minute by one of two servers, also where one is killed', async () => {
    const world = await open({ JOBS_BACKGROUND: 'off' })
    // Minutes pass, and each minute needs some changes, not all that a machine can make.
    begin(world.sql, 100)
    const spawn = async () => {
      const server = await spawnServer({ ...world.env, JOBS_BACKGROUND: 'on' })
      ending.push(() => server.kill())
      return server
    }
    const [one] = [await spawn(), await spawn()]
    await until('the first moment is written', async () => (await moments(world)).length > 0, 120_000)
    await one.kill()
    await until('two more minutes are written', async () => (await moments(world)).length > 2, 240_000)
    const all = await moments(world)
    expect(all.filter(({ wrong }) => wrong !== null)).toEqual([])
    const minutes = all.map(({ moment }) => moment.slice(0, 16))
    expect(new Set(minutes).size).toBe(minutes.length)
  }, 400_000)
})
