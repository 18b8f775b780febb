import { afterAll, beforeAll, expect, it } from 'vitest'
import { differencesOf, rowsOf, same } from '../../support/rows.ts'
import { sampleJobs } from '../../support/sample.ts'
import { besideEach, newest } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

besideEach([newest], 'a role with usage and select alone', (version) => {
  let database: BossDatabase
  beforeAll(async () => {
    database = await openBossDatabase(version)
    await sampleJobs(await database.start({ options: { supervise: false } }))
  })
  afterAll(async () => {
    await database?.sql.unsafe(`drop owned by ${reader}; drop role ${reader}`)
    await database?.close()
  })

  const reader = `reader_${process.pid}`

  it('is enough to look, also at tables that are made later', async () => {
    const { sql } = database
    await sql.unsafe(`create role ${reader} login; grant usage on schema pgboss to ${reader}`)
    await sql.unsafe(`grant select on all tables in schema pgboss to ${reader}`)
    const before = await rowsOf(sql)
    const url = Object.assign(new URL(database.url), { username: reader }).href
    const world = await database.serve({ JOBS_DB_URL: url })
    const boss = await database.start({ options: { supervise: false } })
    await boss.queue('later', { partition: true })
    await boss.send('later', { i: 1 })
    const { code, out } = await world.jobsctl(['stats', '--queue', 'later', '--json'])
    expect({ code, stats: JSON.parse(out) }).toMatchObject({ code: 0, stats: [{ queue: 'later', queued: 1 }] })
    expect(differencesOf(before, await rowsOf(sql)).changed).toEqual(same.changed)
    expect(world.log.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })
})
