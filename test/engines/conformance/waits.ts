import { expect } from 'vitest'
import { isUuid, keyParts } from '../../../shared/work/job-key.ts'
import { dueLater, jobsOf } from './jobs.ts'
import type { Stage } from './suite.ts'

/** Waits for a job that ends well, for one that fails and for one that does not begin, each by its key. */
export async function expectWaitedFor({ engine, database, world, rows }: Stage): Promise<void> {
  const [slow = ''] = await database.add(jobsOf(engine, 1, 'end slowly'))
  // In a queue of its own: pg-boss fails a whole batch with one of its jobs.
  const [fails = ''] = await database.add([{ queue: engine.queues[1] ?? '', does: 'fail' }])
  const [later = ''] = await database.add(dueLater(jobsOf(engine, 1, 'end')))
  expect([slow, fails, later].filter((key) => !key.includes('/'))).toEqual([])
  const wait = (...words: string[]) => world.jobsctl(['wait', ...words])
  const waiting = Promise.all([wait(slow), wait(slow, '--for', 'ended'), wait(fails)])
  // The first look sees the jobs before a worker does.
  expect(await wait(later, '--timeout', '1s')).toMatchObject({
    ...{ code: 7, out: '' },
    err: expect.stringContaining(`job ${later} is `),
  })
  const workers = await database.work(engine.queues)
  const [completed, ended, failed] = await waiting
  const isGone = {
    ...{ code: 5, out: '' },
    err: expect.stringContaining(`job ${slow} is not there any more, so its end is not known: it was `),
  }
  // Its workers delete a job that has ended well.
  const expected = engine.engine === 'graphile-worker' ? isGone : { code: 0, out: '', err: '' }
  expect([completed, ended]).toEqual([expected, expected])
  expect(failed).toMatchObject({ code: 6, err: expect.stringContaining(`job ${fails} is failed`) })
  await rows.untilIdle()
  await workers.kill()
}

/** Names a job by its uuid in each command that takes the id of one job or of several, and in the list. */
export async function expectUuidsTaken({ engine, database, world, rows }: Stage): Promise<void> {
  const [key = ''] = await database.add(dueLater(jobsOf(engine, 1, 'end')))
  const uuid = keyParts(key)?.id ?? ''
  if (!isUuid(uuid)) return
  const before = await rows.read(engine.volatile.others)
  for (const named of [uuid, uuid.toUpperCase()]) {
    const shown = await world.jobsctl(['show', named, '--json'])
    expect([named, shown.code, JSON.parse(shown.out).id]).toEqual([named, 0, key])
    const listed = await world.call('GET', `/api/v1/jobs/list?ids=${named}`)
    expect([named, listed.body]).toEqual([named, [expect.objectContaining({ id: key })]])
    for (const words of [
      ['explain', named],
      ['wait', named, '--for', 'queued'],
      ['cancel', named, '--dry-run'],
    ])
      expect([words, await world.jobsctl(words)]).toEqual([words, expect.objectContaining({ code: 0 })])
  }
  expect(await rows.read(engine.volatile.others)).toEqual(before)
}
