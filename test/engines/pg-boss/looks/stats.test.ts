import { afterAll, beforeAll, expect, it } from 'vitest'
import type { World } from '../../../support/world.ts'
import { fill, groupsOf } from '../../support/rows.ts'
import { sampleJobs, sampleQueues } from '../../support/sample.ts'
import { besideEach, readable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

const states = ['created', 'retry', 'active', 'completed', 'cancelled', 'failed']

besideEach(readable, 'the numbers of a server that looks', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    await sampleJobs(boss)
    for (const queue of ['ended', 'without-jobs']) await boss.queue(queue)
    const { sql } = database
    await fill(sql, { queues: sampleQueues(boss).slice(0, 3), count: 50_000, states })
    await fill(sql, { queues: ['ended'], count: 100, states: ['completed', 'cancelled'] })
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('are those that PostgreSQL counts, of each queue that has a job', async () => {
    const counted = await groupsOf(database.sql)
    expect(counted.map(({ queue }) => queue)).toContain('ended')
    const { status, body } = await world.call('GET', '/api/v1/jobs/stats')
    expect({ status, body }).toEqual({
      status: 200,
      body: counted.map((group) => ({ ...group, domain: 'pgboss', quarantined: 0 })),
    })
  })

  it('are the same from the command line, of one queue', async () => {
    const mail = (await groupsOf(database.sql)).filter(({ queue }) => queue === 'mail')
    expect(mail).toHaveLength(1)
    const { code, out } = await world.jobsctl(['stats', '--domain', 'pgboss', '--queue', 'mail', '--json'])
    expect({ code, answer: JSON.parse(out) }).toMatchObject({ code: 0, answer: mail })
  })
})
