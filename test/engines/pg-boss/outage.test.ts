import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import { type Boss, startBoss } from '../support/boss.ts'
import { openStage, type Stage, startService, stopPostgres, untilOwnDone, workOwn } from '../support/outage.ts'
import { besideEach, newest } from '../support/versions.ts'

besideEach([newest], 'an outage', (version) => {
  let stage: Stage
  let boss: Boss
  beforeAll(async () => {
    stage = await openStage(async (url) => {
      boss = await startBoss({ version, url })
      await boss.queue('calls', { retryLimit: 25, retryDelay: 1, expireInSeconds: 8 })
      await boss.work('calls', { batchSize: 5 })
    })
  })
  afterAll(async () => {
    await boss?.kill()
    await stage?.close()
  })

  const enqueue = async (away: boolean) => {
    const service = await startService()
    service.setAway(away)
    for (const url of service.urls('theirs')) await boss.send('calls', { does: 'call', url })
    await workOwn(stage.own, service.urls('own'))
    await service.untilUsed()
    return service
  }
  const untilDone = async () => {
    await untilOwnDone(stage.own)
    await until('all their jobs have completed', async () => {
      return (await stage.countTheirs(`pgboss.job where name = 'calls' and state <> 'completed'`)) === 0
    })
  }

  it('of a service that all jobs need leaves none of them undone, on either side', async () => {
    const service = await enqueue(true)
    service.setAway(false)
    await untilDone()
    expect((await stage.own.rows()).filter(({ retry_count }) => Number(retry_count) > 0)).not.toEqual([])
    expect([...service.answers('own'), ...service.answers('theirs')]).not.toContain(0)
  })

  it('of PostgreSQL leaves none of them undone: its workers go on, and a job that it interrupted runs again', async () => {
    const service = await enqueue(false)
    await stopPostgres(stage)
    await untilDone()
    expect([...service.answers('own'), ...service.answers('theirs')]).not.toContain(0)
    expect(Math.max(...service.answers('own'))).toBe(1)
  })
})
