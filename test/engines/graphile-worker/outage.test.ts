import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import { besideEachGraphile, type Graphile, startGraphile } from '../support/graphile.ts'
import { openStage, type Stage, startService, stopPostgres, untilOwnDone, workOwn } from '../support/outage.ts'

const schema = 'graphile_worker'
const atOnce = 2

besideEachGraphile('an outage', (version) => {
  let stage: Stage
  let graphile: Graphile
  let database: string
  const start = async () => {
    const started = await startGraphile({ version, url: database, schema })
    await started.work(atOnce)
    return started
  }
  beforeAll(async () => {
    stage = await openStage(async (url) => {
      database = url
      graphile = await start()
    })
  })
  afterAll(async () => {
    await graphile?.kill()
    await stage?.close()
  })

  const enqueue = async (away: boolean) => {
    const service = await startService()
    service.setAway(away)
    await graphile.add(service.urls('theirs').map((url) => ({ does: 'call', url, spec: { maxAttempts: 25 } })))
    await workOwn(stage.own, service.urls('own'))
    await service.untilUsed()
    return service
  }
  const left = (which = 'true') => stage.countTheirs(`graphile_worker._private_jobs where ${which}`)

  it('of a service that all jobs need leaves none of them undone, on either side', async () => {
    const service = await enqueue(true)
    service.setAway(false)
    await untilOwnDone(stage.own)
    await until('all their jobs are gone', async () => (await left()) === 0)
    expect((await stage.own.rows()).filter(({ retry_count }) => Number(retry_count) > 0)).not.toEqual([])
    expect([...service.answers('own'), ...service.answers('theirs')]).not.toContain(0)
  })

  it('of PostgreSQL ends its process where a job ends meanwhile, whose lock stays; ours are all done, each once', async () => {
    const service = await enqueue(false)
    await stopPostgres(stage)
    await untilOwnDone(stage.own)
    expect(service.answers('own')).toEqual(service.answers('own').map(() => 1))
    // As a deployment does. The first process has ended, or goes on beside this one.
    const second = await start()
    try {
      await until('no job of theirs waits', async () => (await left('locked_at is null')) === 0)
      await until('only those are locked that the outage met', async () => (await left()) <= atOnce)
      expect(Math.max(...service.answers('theirs'))).toBe(1)
    } finally {
      await second.kill()
    }
  })
})
