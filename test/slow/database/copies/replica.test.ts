import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { postgresBinaries, unprivileged } from '../../../../scripts/launch/postgres-binaries.ts'
import { previewOf, retry } from '../../../support/changes/bulk-tools.ts'
import { newFolder } from '../../../support/database/database.ts'
import { type ReplicatedPostgres, replicaName, startReplicated } from '../../../support/database/replica.ts'
import { until } from '../../../support/poll.ts'
import { endWithTests } from '../../../support/programs/end-with-tests.ts'
import { openWorld, type World } from '../../../support/world.ts'

let pair: ReplicatedPostgres
beforeAll(async () => {
  pair = await startReplicated()
})
afterAll(() => pair?.stop())

/** A server whose role is no superuser, in a database of its own. */
async function openAs(role: string, grant: string): Promise<World> {
  const admin = postgres(pair.url, { max: 1, onnotice: () => {} })
  await admin.unsafe(`create role ${role} login; ${grant}`)
  await admin.unsafe(`create database ${role} owner ${role}`)
  await admin.end()
  const url = Object.assign(new URL(pair.url), { pathname: `/${role}`, username: role }).href
  const env = { JOBS_DB_URL: url, JOBS_DATA_DIR: await newFolder('data') }
  return openWorld('postgres', { JOBS_CHANGE_MAX_LAG: '2' }, Promise.resolve({ env, drop: async () => {} }))
}

const change = (world: World) => world.confirm(retry.path, { ...retry.body, rate: 40 })
const waiting = (world: World) => world.sql<{ waiting: unknown }[]>`select waiting from jobsctl_waits`

/** Runs while the replica receives and replays nothing. */
async function whilePaused(run: (resume: () => Promise<unknown>) => Promise<void>): Promise<void> {
  const { replica } = pair
  const resume = () => replica`select pg_wal_replay_resume()`
  await replica`select pg_wal_replay_pause()`
  await until('it is paused', async () => {
    const [row] = await replica<{ paused: boolean }[]>`select pg_get_wal_replay_pause_state() = 'paused' as paused`
    return row?.paused
  })
  await run(resume).finally(resume)
}

it('a change waits for a paused replica, and goes on when it has caught up', async () => {
  const world = await openAs('watching', 'grant pg_monitor to watching')
  await world.jobs(400, { status: 'failed' })
  expect((await previewOf(world, retry)).not_watched).toEqual([])
  await whilePaused(async (resume) => {
    const changed = change(world)
    const [row] = await until('the change waits', async () => {
      const rows = await waiting(world)
      return rows.length > 0 ? rows : undefined
    })
    expect(row?.waiting).toMatchObject({
      ...{ why: 'replica_lag', name: replicaName, limit: 2, value: expect.any(Number) },
      detail: expect.stringMatching(new RegExp(`^the replica ${replicaName} lags by \\d+ s \\(limit 2 s\\)$`)),
    })
    await resume()
    expect(await changed).toMatchObject({ status: 200, body: { affected: 400 } })
  })
  await world.stop()
})

it('a role without pg_monitor does not see the lag: the preview says so, and the change goes on', async () => {
  const world = await openAs('blind', '')
  await world.jobs(400, { status: 'failed' })
  expect((await previewOf(world, retry)).not_watched).toEqual(['replica_lag'])
  const shown = await world.jobsctl(['retry', '--domain', 'chatbooks', '--dry-run', '--json'])
  expect(JSON.parse(shown.out).preview.not_watched).toEqual(['replica_lag'])
  await whilePaused(async () => {
    expect(await change(world)).toMatchObject({ status: 200, body: { affected: 400 } })
    expect(await waiting(world)).toHaveLength(0)
  })
  await world.stop()
})

it('a change does not wait for pg_receivewal, which replays nothing', async (test) => {
  const program = join(await postgresBinaries(await newFolder('bin'), unprivileged()), 'pg_receivewal')
  if (!existsSync(program)) test.skip('this PostgreSQL has no pg_receivewal')
  const receiver = spawn(program, ['-D', await newFolder('wal'), '-d', pair.url], { stdio: 'ignore' })
  endWithTests(receiver)
  const world = await openAs('receiving', 'grant pg_monitor to receiving')
  const lag = () => world.sql<{ lag: number }[]>`
    select extract(epoch from replay_lag)::float8 as lag from pg_stat_replication where application_name = 'pg_receivewal'`
  // PostgreSQL counts the time since it connected, as long as something is written.
  await until('it seems to lag', async () => {
    await world.jobs(1, { domain: 'other' })
    await wait(100)
    return (await lag()).some((row) => row.lag > 2)
  })
  await world.jobs(400, { status: 'failed' })
  expect(await change(world)).toMatchObject({ status: 200, body: { affected: 400 } })
  expect(await waiting(world)).toHaveLength(0)
  const ended = once(receiver, 'exit')
  receiver.kill('SIGINT')
  await ended
  await world.stop()
})
