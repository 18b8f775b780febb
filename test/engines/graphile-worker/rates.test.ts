import { afterAll, beforeAll, expect, it } from 'vitest'
import { overview } from '../../../shared/endpoints.ts'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
import { besideEachGraphile, type GraphileDatabase, openGraphileDatabase } from '../support/graphile.ts'
import { callEachPageDear } from '../support/planner.ts'

besideEachGraphile('the rates of the overview', (version) => {
  let database: GraphileDatabase
  let world: World
  beforeAll(async () => {
    database = await openGraphileDatabase(version)
    const graphile = await database.start()
    const once = { maxAttempts: 1, queueName: 'mail' }
    await graphile.add(Array.from({ length: 20 }, () => ({ does: 'fail', spec: once })))
    await graphile.add([{ does: 'fail', spec: { maxAttempts: 1 } }, {}, {}])
    await graphile.work(5)
    await database.untilIdle()
    await callEachPageDear(database.sql)
    world = await database.serve()
  })
  afterAll(() => database?.close())

  const read = async () => {
    const { status, body } = await world.call('GET', overview.path)
    expect({ status, body }).toMatchObject({ status: 200 })
    return overview.output.parse(body)
  }

  it('are not known of a large table, and with the index that the answer names they are of the jobs that failed for good', async () => {
    const before = await read()
    expect(before).toMatchObject({ rates_of: null, failing_queues: 0, totals: { failed_per_minute: null } })
    const [statement = ''] = /create index concurrently .*/.exec(before.why ?? '') ?? []
    await database.sql.unsafe(statement)
    const after = await until('the rates are known', async () => {
      const now = await read()
      return now.rates_of === 'jobs' ? now : undefined
    })
    expect(after.totals).toMatchObject({ in_per_minute: null, done_per_minute: null })
    expect(after.queues.map(({ queue, failed_per_minute }) => [queue, Number(failed_per_minute) > 0])).toEqual([
      ['_', true],
      ['mail', true],
    ])
    expect(after.attention).toMatchObject([{ kind: 'failing', queue: 'mail', pattern: 'no answer from #', jobs: 20 }])
  })
})
