import { afterAll, beforeAll, expect, it } from 'vitest'
import { overview } from '../../../shared/endpoints.ts'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
import { callEachPageDear } from '../support/planner.ts'
import { besideEach, newest, readable } from '../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../support/world.ts'

besideEach(readable, 'the rates of the overview', (version) => {
  let database: BossDatabase
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    await boss.queue('mail', { retryLimit: 0 })
    for (let n = 0; n < 9; n++)
      await boss.send('mail', { does: n < 3 ? 'end' : 'fail', message: `no answer from host ${n}` })
    await boss.work('mail')
    await until('all jobs have run', async () => Object.keys(await boss.runs()).length === 9)
    await boss.stop()
  })
  afterAll(() => database?.close())

  const read = async (world: World) => {
    const { status, body } = await world.call('GET', overview.path)
    expect({ status, body }).toMatchObject({ status: 200 })
    return overview.output.parse(body)
  }

  it('are of the jobs that are still there, and not known of a large table without an index of their ends', async () => {
    const known = await read(await database.serve())
    expect(known).toMatchObject({ rates_of: 'jobs', failing_queues: 1 })
    const [{ failed_per_minute: failed, done_per_minute: done, in_per_minute: came } = {}] = known.queues
    // Both are of the same minutes.
    expect(Number(failed) / Number(done)).toBeCloseTo(2, 0)
    expect(came === null).toBe(version !== newest)
    expect(known.attention).toMatchObject([
      { kind: 'failing', queue: 'mail', pattern: 'no answer from host #', jobs: 6 },
    ])
    await callEachPageDear(database.sql)
    const large = await read(await database.serve())
    expect(large.rates_of).toBe(version === newest ? 'jobs' : null)
    if (version !== newest) expect(large.why).toContain('pg-boss from 12.38 on has it')
  })
})
