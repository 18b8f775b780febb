import { afterEach, describe, expect, it } from 'vitest'
import { requeue } from '../../support/changes/bulk-tools.ts'
import { acceptedOf, detached, endOf } from '../../support/changes/detached.ts'
import { ago } from '../../support/database/job-row.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { runServer, type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

/** A change whose term is over, with an archived job, a row image and an event. */
async function insertExpired({ sql }: World): Promise<void> {
  await sql`insert into jobsctl_settings (name, value) values ('events_days', '1') on conflict do nothing`
  const [{ id }] = await sql<[{ id: number }]>`
    insert into job_operations (kind, filters, as_of, seen, caller, request_hash, state, ended_at)
    values ('requeue', '{}', now(), '1:1:', 'a', 'b', 'failed', ${ago(100 * 86_400)})
    returning id`
  await sql`insert into job_operation_rows values (${id}, 1, '{}', '{}')`
  await sql`
    insert into job_events (job_id, event_type, created_at)
    values (1, 'job.created', ${ago(100 * 86_400)}), (1, 'job.created', now())`
}

const expired = async ({ sql }: World): Promise<number> => {
  const [{ n }] = await sql<[{ n: number }]>`
    select (select count(*) from job_operation_rows) + (select count(*) from job_events where created_at < now() - interval '2 days') as n`
  return Number(n)
}

describe('the work in the background', () => {
  const ending: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })
  async function open(env: Record<string, string>) {
    const world = await openWorld('postgres', env)
    ending.push(() => world.stop())
    return world
  }
  async function spawn(world: World, env: Record<string, string>) {
    const server = await spawnServer({ ...world.env, JOBS_BACKGROUND: 'on', ...env })
    ending.push(() => server.kill())
    return server
  }
  const logs = ({ output }: ServerProcess, text: string) =>
    until(`the log says ${text}`, () => output.out.includes(text))

  it('is not done by a server with JOBS_BACKGROUND=off, stands still in a freeze, and goes on after the thaw', async () => {
    const world = await open({ JOBS_BACKGROUND: 'off' })
    const [{ begun }] = await world.sql<[{ begun: string }]>`select now()::text as begun`
    expect(world.log.join()).toContain('JOBS_BACKGROUND=off')
    await insertExpired(world)
    await runServer(['freeze', '--reason', 'a copy is made'], world.env)
    const other = await spawn(world, {})
    await logs(other, 'nothing is done in the background: ')
    // The database has rows of servers that have stopped, too.
    const lastSeen = async () => {
      const rows = await world.sql<{ seen_at: string }[]>`
        select seen_at::text from jobsctl_servers where seen_at > ${begun}::text::timestamptz order by 1`
      return rows.length >= 2 ? rows[0]?.seen_at : undefined
    }
    const first = await until('the settings of both servers are compared', lastSeen)
    // In each maintenance since then the other server has deleted nothing.
    await until('both compare them again', async () => (await lastSeen()) !== first, 120_000)
    expect(await expired(world)).toBe(2)
    const doctor = await call({
      ...{ url: world.url, method: 'GET', path: '/api/v1/jobs/storage' },
      headers: { 'x-api-key': world.key },
    })
    expect(doctor.body).toMatchObject({ background: false, frozen: { reason: 'a copy is made' } })
    await runServer(['thaw'], world.env)
    await logs(other, 'the work in the background goes on')
    await until('what is over its term is gone', async () => (await expired(world)) === 0)
  }, 300_000)

  it('goes on with other tables where some refuse a deletion, each of which the log says', async () => {
    const world = await open({ JOBS_BACKGROUND: 'off' })
    await world.sql.unsafe(`
      create function keep_rows() returns trigger language plpgsql as $$ begin raise exception '% is append only', tg_table_name; end $$;
      create trigger keep_rows before delete on jobs_archive for each row execute function keep_rows();
      create trigger keep_rows before delete on jobsctl_logins for each row execute function keep_rows();
      insert into jobs_archive (id, uuid, domain, queue, job_type, status, operation_id, archived_at)
      values (1, 'u', 'chatbooks', 'default', 'export', 'completed', 900, now() - interval '90 days');
      insert into jobsctl_logins (id_hash, state, nonce, verifier, begun_at) values ('a', 'b', 'c', 'd', now() - interval '1 day');
      insert into jobsctl_holds (filter, until, caller) values ('{}', now() - interval '1 day', 'ann')`)
    const other = await spawn(world, {})
    await until('the hold is gone', async () => (await world.sql`select from jobsctl_holds`).length === 0)
    await logs(other, 'maintenance: jobs_archive is append only; jobsctl_logins is append only')
    expect(await world.sql`select from jobs_archive`).toHaveLength(1)
  })

  it('takes a change over after the thaw, and not on a server with JOBS_BACKGROUND=off', async () => {
    const world = await open({ JOBS_BACKGROUND: 'off' })
    const dying = await spawn(world, { JOBS_BACKGROUND: 'off' })
    const confirm: World['confirm'] = (path, body, headers) =>
      call({
        ...{ url: dying.url, method: 'POST', path, body },
        headers: { 'x-api-key': world.key, 'x-confirm': 'true', ...headers },
      })
    await until(
      'it is ready',
      async () => (await call({ url: dying.url, method: 'GET', path: '/readyz' })).status === 200,
    )
    await world.jobs(40, requeue.wanted)
    const { operation_id: id } = acceptedOf(await detached({ confirm }, requeue, { rate: 8 }))
    await dying.kill()
    await runServer(['freeze', '--reason', 'looking'], world.env)
    const other = await spawn(world, {})
    await logs(other, 'nothing is done in the background: ')
    const [before] = await world.sql<{ affected: number }[]>`select affected from job_operations where id = ${id}`
    // Longer than the six seconds of silence after which a change is taken over.
    await until('its silence is long', async () => {
      const [row] =
        await world.sql`select from job_operations where id = ${id} and touched_at < now() - interval '9 seconds'`
      return row !== undefined
    })
    const [after] = await world.sql<{ affected: number; state: string }[]>`
      select affected, state from job_operations where id = ${id}`
    expect(after).toEqual({ affected: before?.affected, state: 'running' })
    await runServer(['thaw'], world.env)
    expect(await endOf(world, id)).toMatchObject({ state: 'done', affected: 40 })
  })
})
