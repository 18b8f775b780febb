import { afterAll, beforeAll, expect, it } from 'vitest'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const twice = '11111111-1111-4111-8111-111111111111'
const keys = [`a/${twice}`, `b/${twice}`]
const both = { code: 'not_supported', hint: expect.stringContaining(keys.join(', ')) }

let served: ServedTables
beforeAll(async () => {
  served = await serveTables(
    async (sql) => {
      const place = { sql, version: 46 } as const
      await makePgBoss(place)
      await makeQueue(place, 'b')
      await makeQueue(place, 'a', { partition: true })
      await sql`
        insert into pgboss.job (name, id, state, completed_on)
        select name, ${twice}, 'failed', now() from unnest(array['b', 'a']) as name`
    },
    { records: 'pg-boss' },
  )
})
afterAll(() => served?.close())

const statesOf = async () => (await served.sql`select state from pgboss.job order by name`).map(({ state }) => state)

const command = (verb: string) => served.jobsctl(...verb.split(' '), twice)

it.each(['retry --yes', 'show', 'explain', 'hold add --until 1d'])(
  'of two queues names no job for jobsctl %s',
  async (verb) => {
    const { code, err } = await command(verb)
    expect({ code, err }).toMatchObject({
      code: 2,
      err: expect.stringContaining(`give one of them: ${keys.join(', ')}`),
    })
    expect(await statesOf()).toEqual(['failed', 'failed'])
  },
)

it('of two queues is refused in either field of a call, and the key is taken', async () => {
  for (const naming of [{ job_id: twice }, { ids: [twice] }, { domain: 'pgboss', ids: [twice] }])
    expect(await served.post('batch/retry', naming)).toMatchObject({ status: 422, body: both })
  expect(await statesOf()).toEqual(['failed', 'failed'])
  expect(await served.post('batch/retry', { job_id: keys[1] })).toMatchObject({ status: 200, body: { affected: 1 } })
  expect(await statesOf()).toEqual(['failed', 'retry'])
})

it('names the job of the only one of its queues that the caller may see', async () => {
  const env = { ...served.env, AUTH_MODE: 'multi_user' }
  const { out } = await runServer(['token', 'create', 'of a', '--role', 'operator', '--queue', 'pgboss/a'], env)
  const server = await startServer(env)
  await server.prepared
  const answer = await call({
    url: server.url,
    method: 'GET',
    path: `/api/v1/jobs/job?${new URLSearchParams({ key: twice })}`,
    headers: { authorization: `Bearer ${out.trim().split(/\s+/).at(-1)}` },
  })
  await server.stop()
  expect(answer).toMatchObject({ status: 200, body: { id: keys[0] } })
})

it('of deleted jobs of two queues names none of them', async () => {
  expect(await served.jobsctl('prune', '--all', '--status', 'failed', '--yes')).toMatchObject({ code: 0 })
  await served.sql`update pgboss.job set state = 'failed', completed_on = now()`
  expect(await served.jobsctl('prune', '--all', '--status', 'failed', '--yes')).toMatchObject({ code: 0 })
  for (const verb of ['show', 'hold add --until 1d'])
    expect(await command(verb)).toMatchObject({ code: 2, err: expect.stringContaining(keys.join(', ')) })
})
