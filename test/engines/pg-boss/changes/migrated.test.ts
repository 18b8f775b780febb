import { expect, it, onTestFinished } from 'vitest'
import { until } from '../../../support/poll.ts'
import { makeRecords } from '../../support/admin.ts'
import { sampleJobs } from '../../support/sample.ts'
import { besideEach, newest, oldestToChange } from '../../support/versions.ts'
import { openBossDatabase } from '../../support/world.ts'

besideEach([oldestToChange], 'a migration of pg-boss beside a running server', (version) => {
  it('closes changes until the server starts again, and reads go on', async () => {
    // Made by the test itself: a run that is repeated finds tables that nobody has migrated.
    const database = await openBossDatabase(version)
    onTestFinished(() => database.close())
    await sampleJobs(await database.start({ options: { supervise: false } }))
    await makeRecords(database)
    const world = await database.serve({ JOBS_METRICS: 'on' })
    const { sql } = database
    const open = async (value: number) =>
      String((await world.call('GET', '/metrics/jobs')).body).includes(
        `jobsctl_engine_writes_open{engine="pg-boss",domain="pgboss"} ${value}`,
      )
    expect(await open(1)).toBe(true)
    await database.start({ version: newest })
    await until('the server has seen the migration', () => open(0))
    const events = () =>
      sql`select domain, attrs_json from jobsctl.job_events where event_type = 'engine.writes_closed'`
    await until('there is an event', async () => (await events()).length > 0)
    expect(await events()).toMatchObject([{ domain: 'pgboss', attrs_json: { engine: 'pg-boss' } }])
    expect((await world.jobsctl(['doctor', '--tsv'])).out).toMatch(/pg-boss has migrated its tables in pgboss/)
    const cancel = [
      'cancel',
      '--domain',
      'pgboss',
      '--queue',
      'mail',
      '--status',
      'queued',
      '--yes',
      '--reason',
      'test',
    ]
    const refused = await world.jobsctl(cancel)
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('start the server again') })
    for (const read of ['stats', 'list', 'history', 'workers', 'clusters'])
      expect(await world.jobsctl([read]), read).toMatchObject({ code: 0 })
    // The archive gets the columns that are new.
    await makeRecords(database)
    const again = await database.serve()
    const cancelled = await again.jobsctl(cancel)
    expect(cancelled, cancelled.err).toMatchObject({ code: 0 })
  })
})
