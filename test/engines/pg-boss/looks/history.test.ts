import { afterAll, beforeAll, expect, it } from 'vitest'
import { history } from '../../../../shared/endpoints.ts'
import type { World } from '../../../support/world.ts'
import { sampleJobs } from '../../support/sample.ts'
import { besideEach, readable } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

besideEach(readable, 'the history of the jobs that are there', (version) => {
  let database: BossDatabase
  let world: World
  beforeAll(async () => {
    database = await openBossDatabase(version)
    const boss = await database.start({ options: { supervise: false } })
    await sampleJobs(boss)
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('is what PostgreSQL groups by their times', async () => {
    const { sql } = database
    const [counted] = await sql<[Record<string, number>]>`
      select
        count(*)::int as created,
        count(*) filter (where started_on is not null)::int as acquired,
        count(*) filter (where state = 'completed')::int as completed,
        count(*) filter (where state = 'failed')::int as failed,
        count(*) filter (where state = 'cancelled')::int as cancelled,
        count(*) filter (where state in ('completed', 'failed') and started_on is not null)::int as ran
      from pgboss.job`
    expect(counted).toMatchObject({ completed: 4, failed: 2, cancelled: 1 })
    const { status, body } = await world.call(
      'GET',
      `${history.path}?step=1m&from=${new Date(Date.now() - 600_000).toISOString()}`,
    )
    expect(status, JSON.stringify(body)).toBe(200)
    const { points, of_jobs } = history.output.parse(body)
    const sum = (of: (point: (typeof points)[number]) => number) => points.reduce((all, point) => all + of(point), 0)
    expect({
      created: sum(({ created }) => created),
      acquired: sum(({ acquired }) => acquired),
      completed: sum(({ completed }) => completed),
      failed: sum(({ failed }) => failed),
      cancelled: sum(({ cancelled }) => cancelled),
      ran: sum(({ run }) => run.jobs),
    }).toEqual(counted)
    expect(of_jobs).toMatchObject({ not_read: null })
  })
})
