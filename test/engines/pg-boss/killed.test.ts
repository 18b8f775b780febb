import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { makeRecords } from '../support/admin.ts'
import { age, type BossRow, differencesOf, fill, rowsOf, same } from '../support/rows.ts'
import { besideEach, changeable } from '../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../support/world.ts'

const count = 10_000
const key = 'key-of-the-tests'
const guarded = ['deletion_seconds', 'keep_until']

besideEach(changeable, 'a server that is killed in a prune', (version) => {
  let database: BossDatabase
  let server: ServerProcess
  let before: BossRow[]
  const jobsctl = (argv: string[]) => runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: key } })
  beforeEach(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    for (const queue of ['a', 'b']) await boss.queue(queue)
    await boss.kill()
    await fill(database.sql, { queues: ['a', 'b'], count, states: ['completed'] })
    await age(database.sql, 60)
    await makeRecords(database)
    before = await rowsOf(database.sql)
    server = await spawnServer({ ...database.env, SINGLE_USER_API_KEY: key })
  })
  afterEach(() => database?.close())

  it('leaves a record of exactly what is gone, which another server gives back', async () => {
    await jobsctl(['doctor', '--retries', '5'])
    const pruning = jobsctl(['prune', '--domain', 'pgboss', '--older-than', '30d', '--rate', '2000', '--yes']).catch(
      () => undefined,
    )
    await until('the prune has begun', async () => (await rowsOf(database.sql)).length < count)
    await server.kill()
    await pruning
    server = await spawnServer({ ...database.env, SINGLE_USER_API_KEY: key })
    await until('the record is closed', async () => {
      const { code, out } = await jobsctl(['operations', '--json'])
      return code === 0 && !/"state": ?"running"/.test(out)
    })
    const [{ id }] = JSON.parse((await jobsctl(['operations', '--json'])).out)
    const undone = await jobsctl(['undo', String(id), '--yes'])
    expect(undone).toMatchObject({ code: 0 })
    expect(differencesOf(before, await rowsOf(database.sql), guarded)).toEqual(same)
  })
})
