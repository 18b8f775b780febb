import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { waitingFor } from '../support/changes/dependents.ts'
import { until } from '../support/poll.ts'
import { bodyOf, codeOf, paths, resultOf } from './support/answers.ts'
import { besideEach } from './support/old-build.ts'
import { everything, insertJobs } from './support/rows.ts'
import { type Ground, openGround, type Side } from './support/side-by-side.ts'

const Cancelled = z.object({ dependents: z.number(), operation_id: z.number() })
const Leased = z.object({ jobs: z.array(z.object({ id: z.number(), worker_id: z.string(), lease_id: z.string() })) })

besideEach(
  (old) => `jobs that end with a job, beside a server of ${old}`,
  (old) => {
    let ground: Ground
    let before: Side
    let today: Side
    beforeAll(async () => {
      ground = await openGround()
      before = await ground.start(old)
      await before.ready()
      today = await ground.start('new')
      await today.ready()
    })
    afterAll(() => ground?.close())

    const verified = async () => {
      for (const side of [before, today])
        expect((await side.get(paths.verify)).body, side.build).toMatchObject({ ok: true })
    }
    const lease = async (side: Side) =>
      bodyOf(Leased, await side.post(paths.acquire, { domain: 'chatbooks', worker_id: 'w', limit: 10 })).jobs
    const cancelled = async () => {
      const [row] = await ground.sql<{ n: number }[]>`select count(*)::int as n from jobs where status = 'cancelled'`
      return row?.n
    }

    it('a cancel of one job on record is listed and verified by both, and given back', async () => {
      const [first = 0] = await insertJobs(ground.sql, { n: 10, status: 'queued' })
      const rows = await everything(ground.sql, 'updated_at')
      for (const undoing of [before, today]) {
        const done = bodyOf(Cancelled, await today.post(`${paths.jobs}/${first}/cancel`, {}))
        expect(done.dependents).toBe(9)
        for (const side of [before, today])
          expect((await side.get(paths.operation(done.operation_id))).body, side.build).toMatchObject({
            ...{ kind: 'cancel', state: 'done', affected: 1, now: { cancelled: 10 } },
          })
        await verified()
        const answer = await undoing.change(paths.undo(done.operation_id), {})
        // 0.1.0 knows no cancel of many jobs, and takes none back.
        if (undoing.build === '0.1.0') expect(codeOf(answer)).toBe('409 conflict')
        const undone = resultOf(
          undoing.build === '0.1.0' ? await today.change(paths.undo(done.operation_id), {}) : answer,
        )
        expect(undone, undoing.build).toMatchObject({ affected: 10, conflicts: 0 })
        expect(await everything(ground.sql, 'updated_at'), undoing.build).toEqual(rows)
        await verified()
      }
      await ground.sql`truncate jobs, job_dependencies, job_attachments`
    })

    it('dependents that are left are leased by neither, and end though their server is gone', async () => {
      await waitingFor(ground.sql, 1010, { uuid: 'needed' })
      const [job] = await lease(today)
      if (!job) throw new Error('a job was there')
      // Servers of this version go on in the background after the thaw alone.
      await ground.sql`insert into jobsctl_settings (name, value) values ('freeze', 'by hand')`
      const { worker_id, lease_id } = job
      const failed = await today.post(paths.job(job.id, 'fail'), {
        worker_id,
        lease_id,
        error: 'broken',
        retryable: false,
      })
      expect(failed.status).toBe(200)
      expect(await cancelled()).toBe(1000)
      await today.kill()
      await ground.sql`delete from jobsctl_settings where name = 'freeze'`
      expect(await lease(before)).toEqual([])
      today = await ground.start('new')
      await today.ready()
      await until('nothing is left', async () => {
        const { count } = await ground.sql`select from jobsctl_cascades`
        return count === 0
      })
      expect(await cancelled()).toBe(1010)
      expect(await lease(today)).toEqual([])
      await verified()
    })
  },
)
