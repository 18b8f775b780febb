import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { ask, codeOf, doneOf, edit, expectIntact, previewOf, recordOf } from '../../support/changes/bulk-tools.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

const jobs = 40

let world: World
let other: ServerProcess
let there: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
beforeEach(async () => {
  other = await spawnServer(world.env)
  const confirm: World['confirm'] = (path, body, headers = {}) =>
    call({
      ...{ url: other.url, method: 'POST', path, body },
      headers: { 'x-api-key': world.key, 'x-confirm': 'true', ...headers },
    })
  there = { ...world, confirm }
  await until('the other server is ready', async () => {
    const { status } = await call({ url: other.url, method: 'GET', path: '/readyz' })
    return status === 200
  })
  await world.clear()
  await world.jobs(jobs, edit.wanted)
  return () => other.kill()
})
afterAll(() => world?.stop())

/** How many jobs have the value, and how many events tell of an edited job. */
async function edited() {
  const [row] = await world.sql`
    select (select count(*)::int from jobs where payload ? 'edited') as jobs,
      (select count(*)::int from job_events where event_type = 'job.edited') as events`
  return row
}

it('an edit that is applied by the same preview at two servers at once is made once', async () => {
  const { token } = await previewOf(world, edit)
  const answers = await Promise.all(
    [world, there, world, there].map((server) => ask(server, edit, { preview_token: token })),
  )
  const made = answers.filter(({ status }) => status === 200)
  expect(made.map((answer) => doneOf(answer).affected)).toEqual([jobs])
  for (const answer of answers) expect([200, 409], JSON.stringify(answer.body)).toContain(answer.status)
  expect(await edited()).toEqual({ jobs, events: jobs })
  await expectIntact(world)
})

it('an edit whose server is killed leaves a record of what was done, and the other server edits the rest', async () => {
  const lost = ask(there, edit, { rate: 16 }).then(codeOf, () => 'no answer')
  const { id } = await until('a batch is done', async () => {
    const [row] = await world.sql<{ id: number }[]>`
      select id from job_operations where kind = 'edit' and state = 'running' and affected > 0`
    return row
  })
  await other.kill()
  expect(await lost).toBe('no answer')
  const before = (await recordOf(world, id)).affected
  const rest = await until('the other server may change the jobs', async () => {
    const answer = await ask(world, edit)
    return answer.status === 200 ? doneOf(answer) : undefined
  })
  const first = await recordOf(world, id)
  expect(first).toMatchObject({ state: 'partial', affected: before })
  expect(before).toBeLessThan(jobs)
  expect(first.affected + rest.affected).toBe(jobs)
  expect(await edited()).toEqual({ jobs, events: jobs })
  await expectIntact(world)
})
