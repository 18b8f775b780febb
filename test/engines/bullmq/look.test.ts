import { afterAll, beforeAll, expect, it } from 'vitest'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { type Bull, type BullDatabase, besideEachBull, openBullDatabase, readable, untilNone } from '../support/bull.ts'

besideEachBull(readable, 'look', (version) => {
  let database: BullDatabase
  let bull: Bull
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    database = await openBullDatabase(version)
    bull = await database.start()
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
  })
  afterAll(async () => {
    await server?.stop()
    await database?.close()
  })

  it('counts, lists and explains the jobs, and makes and changes nothing', async () => {
    const jobsctl = (...argv: string[]) =>
      runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
    const [failing] = await bull.add('mail', [{ data: { does: 'fail', message: 'no answer' } }, {}])
    await bull.work('mail')
    await untilNone(database, 'mail', 'waiting', 'active')
    const before = await database.sql`select to_jsonb(job) as row from bullmq.job order by queue, id`
    expect(await jobsctl('stats', '--tsv')).toMatchObject({ code: 0, out: 'bullmq\tmail\tjob\t0\t0\t0\t0\t1\n' })
    expect(await jobsctl('clusters')).toMatchObject({ code: 0, out: expect.stringContaining('no answer') })
    expect(await jobsctl('show', `mail/${failing}`)).toMatchObject({
      code: 0,
      out: expect.stringContaining('about to fail'),
    })
    expect((await jobsctl('retry', '--domain', 'bullmq', '--yes')).code).not.toBe(0)
    expect(await database.sql`select to_jsonb(job) as row from bullmq.job order by queue, id`).toEqual(before)
    expect(await database.sql`select from pg_namespace where nspname = 'jobsctl'`).toHaveLength(0)
    expect(await database.sql`select from pg_class where relname = 'jobs'`).toHaveLength(0)
  })
})
