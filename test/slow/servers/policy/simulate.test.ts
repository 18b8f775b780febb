import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { simulatePolicy } from '../../../../shared/endpoints.ts'
import { pruning, sweeping } from '../../../support/changes/policy.ts'
import { ago } from '../../../support/database/job-row.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { readyServers } from '../../../support/programs/ready-servers.ts'
import { openWorld, type World } from '../../../support/world.ts'

const { path, output } = simulatePolicy
const { spawnReady } = readyServers()
let world: World
let print: string
beforeAll(async () => {
  world = await openWorld('postgres', { JOBS_BACKGROUND: 'off' })
  await world.jobs(30, { domain: 'chatbooks', status: 'completed', completed_at: ago(40 * 86_400) })
  print = await world.fingerprint()
})
afterEach(async () => expect(await world.fingerprint()).toBe(print))
afterAll(() => world?.stop())

const simulate = async (rules: object[], days: number, url = world.url) => {
  const began = performance.now()
  const headers = { 'x-api-key': world.key }
  const { status, body } = await call({ url, method: 'POST', path, body: { rules, days }, headers })
  expect(status, JSON.stringify(body)).toBe(200)
  return { rules: output.parse(body).rules, seconds: (performance.now() - began) / 1000 }
}

/** Holds a lock on the archive while `act` goes on. */
const withLockedArchive = <Result>(act: () => Promise<Result>) =>
  world.sql.begin(async (tx) => {
    // The limit of the server's own connections would end this one where a busy machine takes long.
    await tx`set local idle_in_transaction_session_timeout = 0`
    await tx`lock table jobs_archive`
    return act()
  })

it('counts a hundred rules for ten seconds, and says which it has not counted', async () => {
  const daily = pruning({ name: 'first' })
  const minutely = Array.from({ length: 99 }, (_, nth) => pruning({ name: `r${nth}`, at: '* * * * *' }))
  const { rules, seconds } = await simulate([daily, ...minutely], 7)
  expect(seconds).toBeLessThan(15)
  expect(rules).toHaveLength(100)
  expect(rules[0]).toMatchObject({ name: 'first', why: null, matched: 30 })
  expect(rules[1]).toMatchObject({ why: null, matched: 30 })
  expect(rules[99]).toMatchObject({ days: null, why: 'the rules together take longer than 10 s' })
})

it('leaves out the past that it cannot read in time, and says so', async () => {
  const { rules, seconds } = await withLockedArchive(() => simulate([pruning()], 7))
  expect(seconds).toBeLessThan(15)
  expect(rules[0]).toMatchObject({ why: null, matched: 30, at_least: true })
  expect(rules[0]?.not_known[0]).toBe('Only jobs that are there now are counted: to read the past takes too long.')
})

it('is the same of two servers at once', async () => {
  const [one, other] = await Promise.all([spawnReady(world.env), spawnReady(world.env)])
  const rules = [pruning(), pruning({ name: 'hourly', at: '7 * * * *', max: 4 }), sweeping()]
  const answers = await Promise.all([one, other, one, other].map(({ url }) => simulate(rules, 7, url)))
  const [first, ...others] = answers.map((answer) => answer.rules)
  expect(first?.map(({ matched, would_change }) => [matched, would_change])).toEqual([
    [30, 30],
    [30, 30],
    [0, 0],
  ])
  expect(others).toEqual([first, first, first])
})

it('is cut off where its server dies, is answered by another one, and leaves nothing behind', async () => {
  const [one, other] = await Promise.all([spawnReady(world.env), spawnReady(world.env)])
  // Which statement meets the lock first depends on what the server has read before.
  const statements = () => world.sql<{ waits: boolean }[]>`
    select wait_event_type is not distinct from 'Lock' as waits from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state = 'active'
      and (query like '%left_rule%' or query like '%jobs_archive%')`
  const cut = await withLockedArchive(async () => {
    const asked = simulate([pruning()], 7, one.url).catch((error: unknown) => error)
    await until('the server waits for the archive', async () => (await statements()).some(({ waits }) => waits))
    await one.kill()
    return asked
  })
  expect(cut).toBeInstanceOf(Error)
  expect((await simulate([pruning()], 7, other.url)).rules[0]).toMatchObject({ why: null, matched: 30 })
  await until('no statement is left', async () => (await statements()).length === 0)
})
