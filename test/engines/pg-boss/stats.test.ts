import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { GroupStats } from '../../../shared/queues/stats.ts'
import type { World } from '../../support/world.ts'
import { countsOf, fill } from '../support/rows.ts'
import { sampleJobs, sampleQueues } from '../support/sample.ts'
import { besideEach, readable } from '../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../support/world.ts'

const states = ['created', 'retry', 'active', 'completed', 'cancelled', 'failed']

besideEach(readable, 'the numbers of a server that looks', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    await sampleJobs(boss)
    await fill(database.sql, { queues: sampleQueues(boss).slice(0, 3), count: 50_000, states })
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('are those that PostgreSQL counts, by queue', async () => {
    const { status, body } = await world.call('GET', '/api/v1/jobs/stats')
    expect(status).toBe(200)
    const groups = new Map(
      z
        .array(GroupStats)
        .parse(body)
        .map((group) => [group.queue, group]),
    )
    const counted = await countsOf(database.sql)
    const queues = new Set([...counted.keys()].map((key) => key.split(' ')[0] ?? ''))
    expect([...groups.keys()].toSorted()).toEqual([...queues].toSorted())
    for (const queue of queues) {
      const of = (state: string) => counted.get(`${queue} ${state}`) ?? 0
      const { domain, job_type, queued = 0, scheduled = 0, processing, quarantined } = groups.get(queue) ?? {}
      expect({ queue, domain, job_type, processing, quarantined, waiting: queued + scheduled }).toEqual({
        ...{ queue, domain: 'pgboss', job_type: '', processing: of('active'), quarantined: 0 },
        waiting: of('created') + of('retry'),
      })
    }
  })
})
