import { expect } from 'vitest'
import * as z from 'zod'
import { ScopeName } from '../../../shared/scope.ts'
import { keyParts } from '../../../shared/work/job-key.ts'
import { operationOf } from '../support/admin.ts'
import { dueLater } from './jobs.ts'
import { differencesOf } from './rows.ts'
import type { Stage } from './suite.ts'

/** Names of queues as PostgreSQL takes them. */
const odd = [
  ...['a/b', 'a%2Fb', '%', '-dash', '..', 'UPPER', '42', "it's", 'say "hello"', 'two  spaces', 'a,b', 'a=b&c#d?e'],
  ...['ä→😀', '$(id)', '`id`', 'line\nbreak', 'tab\there', "'; drop table jobs; --", 'x'.repeat(128), 'y'.repeat(200)],
]

const Listed = z.array(z.looseObject({ id: z.string(), queue: z.string() }))
const Previewed = z.object({ preview: z.object({ count: z.number(), token: z.string() }) })

/** Adds a job to each odd queue that the engine takes, and names each of them in every way. */
export async function expectNamesKept(stage: Stage): Promise<void> {
  const { engine, database, rows } = stage
  const { longestName = 200, refusedNames } = engine
  const names = odd.filter((name) => name.length <= longestName && refusedNames?.test(name) !== true)
  expect(names.length).toBeGreaterThan(10)
  const keys = await database.add(dueLater(names.map((queue) => ({ queue, does: 'end' }))))
  const before = await rows.read(engine.volatile.others)
  const listed = await everyPage(stage)
  expect(listed.map(({ id }) => id).toSorted()).toEqual(keys.toSorted())
  expect(listed.map(({ queue }) => queue).toSorted()).toEqual(names.toSorted())
  expect(listed.map(({ id }) => keyParts(id)?.queue)).toEqual(listed.map(({ queue }) => queue))
  for (const job of listed) await expectFound(stage, job)
  await expectTokenKept(stage, names.length)
  expect(differencesOf(before, await rows.read(engine.volatile.others))).toEqual([])
}

/** Reads the list in pages of seven, so that cursors are between jobs of odd queues. */
async function everyPage({ world }: Stage): Promise<z.infer<typeof Listed>> {
  const jobs: z.infer<typeof Listed> = []
  for (let query: string | undefined = 'limit=7'; query !== undefined; ) {
    const { status, body, headers } = await world.call('GET', `/api/v1/jobs/list?${query}`)
    expect({ query, status }).toEqual({ query, status: 200 })
    jobs.push(...Listed.parse(body))
    query = /<\?([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1]
  }
  return jobs
}

/** Finds one job by its URL, by the command line and by the name of its queue, and changes it and undoes it by its key. */
async function expectFound({ world }: Stage, { id, queue }: { id: string; queue: string }): Promise<void> {
  const shown = await world.call('GET', `/api/v1/jobs/job?key=${encodeURIComponent(id)}`)
  expect(shown).toMatchObject({ status: 200, body: { id, queue } })
  const { code, out, err } = await world.jobsctl(['show', '--json', '--', id])
  expect({ queue, code, err }).toEqual({ queue, code: 0, err: '' })
  expect(JSON.parse(out)).toMatchObject({ id, queue })
  // A filter takes no control characters, and no very long name.
  if (ScopeName.safeParse(queue).success) {
    const { body } = await world.call('GET', `/api/v1/jobs/list?queue=${encodeURIComponent(queue)}`)
    expect(Listed.parse(body).map((job) => job.id)).toEqual([id])
  }
  const changed = await world.jobsctl(['priority', '--to', '3', '--yes', '--json', '--', id])
  expect({ queue, ...JSON.parse(changed.out || '{}') }).toMatchObject({ queue, affected: 1 })
  const undone = await world.jobsctl(['undo', operationOf(changed), '--yes', '--json'])
  expect({ queue, ...JSON.parse(undone.out || '{}') }).toMatchObject({ queue, affected: 1, conflict_count: 0 })
}

/** Cancels what a preview showed by its token, which names every job, and undoes it. */
async function expectTokenKept({ engine, world }: Stage, count: number): Promise<void> {
  const request = { domain: engine.domain, status: ['queued'] }
  const path = '/api/v1/jobs/batch/cancel'
  const { preview } = Previewed.parse((await world.post(path, { ...request, dry_run: true })).body)
  expect(preview.count).toBe(count)
  const { body } = await world.confirm(path, { ...request, preview_token: preview.token })
  expect(body).toMatchObject({ affected: count })
  const { operation_id } = z.looseObject({ operation_id: z.number() }).parse(body)
  const undone = await world.confirm(`/api/v1/jobs/operations/${operation_id}/undo`, {})
  expect(undone.body).toMatchObject({ affected: count, conflict_count: 0 })
}
