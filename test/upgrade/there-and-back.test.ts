import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { pruning } from '../support/changes/policy.ts'
import { catalogueOf } from '../support/database/catalogue.ts'
import { codeOf, paths, resultOf } from './support/answers.ts'
import { type Build, besideEach } from './support/old-build.ts'
import { countJobs, everything, expectStatsOfSql, insertJobs, readRecords } from './support/rows.ts'
import { countsAreKept, untilHistoryIsKept } from './support/schema.ts'
import { type Ground, openGround, type Side } from './support/side-by-side.ts'
import { acquireOne, enqueue, heldBy, LeasedJobs } from './support/worker.ts'

/** One installation: the old build for a while, both beside each other, the new one alone, the old one again, the new one again, and none. */
besideEach(
  (version) => `an installation of ${version}`,
  (version) => {
    let ground: Ground
    let old: Side
    let now: Side
    let token = { authorization: '' }
    /** Prunes by their build, whose jobs are in the archive. */
    const pruned = { old: 0, now: 0 }
    /** The prune is on record, and from version 0.2.0 on the token, too. */
    const ofFirst = version === '0.1.0' ? 1 : 2
    beforeAll(async () => {
      ground = await openGround({ AUTH_MODE: 'multi_user', JOBS_HISTORY: 'on' })
      const made = await ground.command(version, ['token', 'create', 'ann'])
      token = { authorization: `Bearer ${made.out.trim()}` }
      old = await start(version)
      await insertJobs(ground.sql, { n: 4 })
      pruned.old = resultOf(await old.change(paths.prune, { domain: 'chatbooks' }, token)).operation
    })
    afterAll(() => ground?.close())

    const start = async (build: Build): Promise<Side> => {
      const side = await ground.start(build)
      await side.ready()
      const withToken: Side = {
        ...side,
        get: (path, headers) => side.get(path, { ...token, ...headers }),
        post: (path, body, headers) => side.post(path, body, { ...token, ...headers }),
        change: (path, body, headers) => side.change(path, body, { ...token, ...headers }),
      }
      await countsAreKept([withToken])
      return withToken
    }
    const verified = async (side: Side) => (await side.get(paths.verify)).body
    const idsOfEvents = async () =>
      (await ground.sql<{ id: number }[]>`select id::int from job_events order by created_at, id`).map(({ id }) => id)

    it('is joined by the new build, and both answer alike', async () => {
      now = await start('new')
      await insertJobs(ground.sql, { n: 3, status: 'queued' })
      await expectStatsOfSql(ground.sql, [old, now])
      for (const side of [old, now]) {
        expect(await verified(side), side.build).toMatchObject({ ok: true, operations: ofFirst })
        expect((await side.get(paths.operation(pruned.old))).body).toMatchObject({ state: 'done' })
      }
      const leased = LeasedJobs.parse(
        (await old.post(paths.acquire, { domain: 'chatbooks', worker_id: 'worker-1' })).body,
      ).jobs[0]
      if (!leased) throw new Error('the old server found no job that is due')
      expect((await now.post(paths.job(leased.id, 'complete'), heldBy(leased))).status).toBe(200)
    })

    it('goes on with the new build alone, which has all of it', async () => {
      expect((await old.stop()).code).toBe(0)
      await untilHistoryIsKept(ground)
      await insertJobs(ground.sql, { n: 5, queue: 'later' })
      pruned.now = resultOf(await now.change(paths.prune, { queue: 'later' })).operation
      await insertJobs(ground.sql, { n: 2, domain: 'held' })
      const answers = [
        await now.change(
          '/api/v1/jobs/holds',
          { domain: 'held', until: new Date(Date.now() + 30 * 86_400_000).toISOString() },
          { 'x-reason': 'a case' },
        ),
        await now.change('/api/v1/jobs/policy', { rules: [pruning({ domain: 'nobody' })], revision: 0 }),
        await now.change(paths.queueControl, { domain: 'chatbooks', queue: 'stopped', action: 'pause' }),
      ]
      expect(answers.map(({ status }) => status < 300)).toEqual([true, true, true])
      const scoped = await ground.command('new', ['token', 'create', 'ben', '--role', 'viewer'])
      expect((await now.get(paths.stats, { authorization: `Bearer ${scoped.out.trim()}` })).status).toBe(200)
      expect(await verified(now)).toMatchObject({ ok: true })
      expect((await now.stop()).code).toBe(0)
    })

    it('goes back to the old build on the newer tables: jobs, leases, records, archive, counts and events are whole', async () => {
      const { sql } = ground
      const before = { jobs: await everything(sql), catalogue: await catalogueOf(sql), records: await readRecords(sql) }
      old = await start(version)
      expect(await everything(sql)).toEqual(before.jobs)
      expect(await readRecords(sql)).toEqual(before.records)
      expect(await catalogueOf(sql)).toEqual(before.catalogue)
      await expectStatsOfSql(sql, [old])
      expect(await verified(old)).toMatchObject({ ok: true })

      const jobs = await countJobs(sql)
      expect(resultOf(await old.change(paths.undo(pruned.now), {}))).toMatchObject({ affected: 5, conflicts: 0 })
      expect(resultOf(await old.change(paths.undo(pruned.old), {}))).toMatchObject({ affected: 4, conflicts: 0 })
      expect(await countJobs(sql)).toBe(jobs + 9)
      await enqueue(old, { queue: 'work' })
      const job = await acquireOne(old, { queue: 'work' })
      expect((await old.post(paths.job(job.id, 'complete'), heldBy(job))).status).toBe(200)
      expect((await old.get('/api/v1/jobs/queue/status?domain=chatbooks&queue=stopped')).body).toMatchObject({
        paused: true,
      })
      const ids = await idsOfEvents()
      expect(ids).toEqual(ids.toSorted((one, other) => one - other))
      await expectStatsOfSql(sql, [old])
    })

    it.runIf(version === '0.1.0')(
      'loses there what docs/deploy/upgrade.md says: roles, holds and the policy',
      async () => {
        const { out } = await ground.command('new', ['token', 'create', 'zoe', '--role', 'operator'])
        expect((await old.get(paths.stats, { authorization: `Bearer ${out.trim()}` })).status).toBe(401)
        expect(codeOf(await old.get('/api/v1/jobs/policy'))).toMatch(/^4/)
        expect(resultOf(await old.change(paths.prune, { domain: 'held' })).affected).toBe(2)
      },
    )

    it('goes forward again without a loss, and leaves the tables of jobs to whoever made them', async () => {
      const { sql } = ground
      now = await start('new')
      expect(await verified(now)).toMatchObject({ ok: true })
      expect((await now.get('/api/v1/jobs/policy')).body).toMatchObject({ rules: [{ name: 'finished' }] })
      await expectStatsOfSql(sql, [old, now])
      await Promise.all([old.stop(), now.stop()])
      const jobs = await everything(sql)
      const printed = await ground.command('new', ['uninstall'])
      expect(printed.out.includes('An earlier version has not noted')).toBe(version === '0.1.0')
      const session = postgres(ground.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
      await session.unsafe(printed.out).finally(() => session.end())
      expect(await everything(sql)).toEqual(jobs)
      expect((await catalogueOf(sql)).filter((line) => line.includes('jobsctl'))).toEqual([])
      await sql`update jobs set priority = 1`
    })
  },
)
