import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../../support/poll.ts'
import type { World } from '../../../support/world.ts'
import { type BossRow, differencesOf, rowsOf, same } from '../../support/rows.ts'
import { sampleJobs } from '../../support/sample.ts'
import { besideEach, readable } from '../../support/versions.ts'
import { type BossDatabase, catalogueBeside, openBossDatabase } from '../../support/world.ts'

/** The versions of the tables, by the version of pg-boss. */
const schemas: Record<string, string> = {
  '10.4.2': 'pg-boss 10 (schema 24)',
  '12.27.0': 'pg-boss 12.26 (schema 37)',
  '12.38.0': 'pg-boss 12.38 (schema 46)',
}

const reads = [
  ...['stats', 'stale', 'workers', 'queues', 'operations', 'events', 'doctor'].map((verb) => [verb]),
  ['explain', 'mail'],
]

/** From 12.36 on, a process says at each of its beats when its workers asked for jobs. */
async function untilWorkersTell({ sql }: BossDatabase): Promise<void> {
  const [{ telling }] = await sql<[{ telling: boolean }]>`select to_regclass('pgboss.instance') is not null as telling`
  if (telling)
    await until('pg-boss tells when its workers asked', async () => {
      const [told] = await sql`select from pgboss.instance where workers @? '$[*].lastFetchedOn ? (@ != null)'`
      return told !== undefined
    })
}

besideEach(readable, 'a server that nobody has told which engine there is', (version) => {
  let database: BossDatabase
  let world: World
  let before: BossRow[]
  let catalogue: string[]
  beforeAll(async () => {
    database = await openBossDatabase(version)
    await sampleJobs(await database.start({ options: { supervise: false, instanceHeartbeatSeconds: 1 } }))
    await untilWorkersTell(database)
    await database.sql`analyze`
    ;[before, catalogue] = [await rowsOf(database.sql), await catalogueBeside(database.sql)]
    world = await database.serve()
  })
  afterAll(() => database?.close())

  it('logs the engine, its version, and how much it found, and that it only looks', async () => {
    const [{ tables, queues }] = await database.sql<[{ tables: number; queues: number }]>`
      select
        (select count(*)::int from pg_class where relnamespace = 'pgboss'::regnamespace and relkind in ('r', 'p')) as tables,
        (select count(*)::int from pgboss.queue) as queues`
    const found = world.log.filter((line) => line.includes('found pg-boss'))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`found ${schemas[version] ?? 'pg-boss'}`)
    expect(found[0]).toContain(`: ${tables} tables, about ${before.length} jobs in ${queues} queues`)
    expect(world.log.join('\n')).toContain('looking only: nothing is written')
    expect(world.log.join('\n')).toContain('jobs-server migrate --engine pg-boss')
  })

  it('leaves the catalog and every job as they are, whatever is read', async () => {
    for (const argv of reads) {
      const { code, err } = await world.jobsctl(argv)
      expect({ argv, code, err }).toMatchObject({ code: 0 })
    }
    expect(differencesOf(before, await rowsOf(database.sql))).toEqual(same)
    expect(await catalogueBeside(database.sql)).toEqual(catalogue)
  })
})
