import { afterAll, beforeAll, expect, it } from 'vitest'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { differencesOf, rowsOf, same } from '../../support/rows.ts'
import { sampleJobs } from '../../support/sample.ts'
import { besideEach, newest } from '../../support/versions.ts'
import { type BossDatabase, openBossDatabase } from '../../support/world.ts'

besideEach([newest], 'a role that may', (version) => {
  let database: BossDatabase
  beforeAll(async () => {
    database = await openBossDatabase(version)
    await sampleJobs(await database.start({ options: { supervise: false } }))
  })
  afterAll(async () => {
    for (const role of roles) {
      await database?.sql.unsafe(`drop owned by ${role}; drop role ${role}`).catch(() => {})
    }
    await database?.close()
  })

  const roles = ['reader', 'stranger', 'half'].map((name) => `${name}_${process.pid}`) as [string, string, string]
  const [reader, stranger, half] = roles
  const envOf = (role: string) => ({
    ...database.env,
    JOBS_DB_URL: Object.assign(new URL(database.url), { username: role }).href,
    SINGLE_USER_API_KEY: 'key',
  })

  it('select alone is enough to look, also at tables that are made later', async () => {
    const { sql } = database
    await sql.unsafe(`create role ${reader} login; grant usage on schema pgboss to ${reader}`)
    await sql.unsafe(`grant select on all tables in schema pgboss to ${reader}`)
    const before = await rowsOf(sql)
    const world = await database.serve({ JOBS_DB_URL: envOf(reader).JOBS_DB_URL })
    const boss = await database.start({ options: { supervise: false } })
    await boss.queue('later', { partition: true })
    await boss.send('later', { i: 1 })
    const { code, out } = await world.jobsctl(['stats', '--queue', 'later', '--json'])
    expect({ code, stats: JSON.parse(out) }).toMatchObject({ code: 0, stats: [{ queue: 'later', queued: 1 }] })
    expect(differencesOf(before, await rowsOf(sql)).changed).toEqual(same.changed)
    expect(world.log.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })

  it.each([
    ['nothing of the schema', stranger, ''],
    ['read some of the tables', half, `grant usage on schema pgboss to ${half}; grant select on pgboss.job to ${half}`],
  ])('%s is told the GRANT that it lacks, and nothing is made', async (_, role, grants) => {
    await database.sql.unsafe(`create role ${role} login; grant create on schema public to ${role}; ${grants}`)
    const { code, out, err } = await runServer([], { ...envOf(role), PORT: '0' })
    expect({ code, out, err }).toMatchObject({ code: 2 })
    expect(`${out}${err}`).toMatch(/grant (?:usage|select)/i)
    const [made] = await database.sql`select relname from pg_class where relnamespace = 'public'::regnamespace`
    expect(made).toBeUndefined()
  })
})
