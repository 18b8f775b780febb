import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clearAll, expectIntact } from '../../../support/changes/bulk-tools.ts'
import { newFolder } from '../../../support/database/database.ts'
import { openWorld, type World } from '../../../support/world.ts'

const absent = '999999999'
const hint = `there is no job ${absent}`

/** Each change that takes ids, and a status of the jobs that it takes. */
const changes: [string, string[], string][] = [
  ['retry', [], 'failed'],
  ['requeue', [], 'quarantined'],
  ['cancel', [], 'queued'],
  ['reclaim', [], 'processing'],
  ['priority', ['--to', '1'], 'queued'],
  ['reschedule', ['--in', '2h'], 'queued'],
  ['edit', ['--set', 'max_retries=9'], 'queued'],
]

describe('jobs that are named by their ids', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => clearAll(world))

  const one = async (status: string) => String((await world.jobs(1, { status }))[0])
  const idsFile = async (...ids: string[]) => {
    const path = join(await newFolder('ids'), 'ids')
    await writeFile(path, ids.join('\n'))
    return path
  }

  describe.each(changes)('%s', (verb, flags, status) => {
    it('does the rest, and exits 5 with the ids of the command line that are not there, also twice', async () => {
      const there = await one(status)
      const line = [verb, there, absent, there, absent, ...flags]
      const dry = await world.jobsctl([...line, '--dry-run'])
      expect(dry).toMatchObject({ code: 5, out: expect.stringContaining('1 job'), err: `note: ${hint}\n` })
      const done = await world.jobsctl([...line, '--yes', '--json'])
      expect(done).toMatchObject({ code: 5, err: `note: ${hint}\n` })
      expect(JSON.parse(done.out)).toMatchObject({
        ...{ affected: 1, missing_count: 1, not_taken_count: 0 },
        not_matched: [{ id: Number(absent), status: null }],
      })
      await expectIntact(world)
    })

    it('exits 5 where none is there, in a dry run, too, and changes nothing', async () => {
      const before = await world.fingerprint()
      for (const more of [['--yes'], ['--dry-run'], []]) {
        const run = await world.jobsctl([verb, absent, ...flags, ...more])
        expect(run).toMatchObject({ code: 5, out: '' })
        expect(run.err).toContain(`error: ${hint}; nothing was changed\n`)
      }
      const json = await world.jobsctl([verb, absent, ...flags, '--yes', '--json'])
      expect(JSON.parse(json.err).error).toMatchObject({ code: 'not_found', exit: 5 })
      expect(await world.fingerprint()).toBe(before)
    })

    it('exits 6 where the only job is in another state, and 0 with a note where another one is changed', async () => {
      const [other, there] = [await one('completed'), await one(status)]
      const alone = await world.jobsctl([verb, other, ...flags, '--yes'])
      expect(alone).toMatchObject({ code: 6, out: '' })
      expect(alone.err).toMatch(new RegExp(`^error: job ${other} is completed, n.*; nothing was changed\n`))
      const both = await world.jobsctl([verb, other, there, ...flags, '--yes'])
      expect(both).toMatchObject({ code: 0, out: expect.stringContaining('1 job') })
      expect(both.err).toMatch(new RegExp(`^note: job ${other} is completed, n.*\n$`))
    })
  })

  it.each(changes)(
    '%s notes ids of a file that are not there, and exits 5 with --must-exist alone',
    async (verb, flags, status) => {
      const path = await idsFile(await one(status), absent)
      const strict = await world.jobsctl([verb, '--ids-file', path, '--must-exist', ...flags, '--dry-run'])
      expect(strict).toMatchObject({ code: 5, err: `note: ${hint}\n` })
      const done = await world.jobsctl([verb, '--ids-file', path, ...flags, '--yes'])
      expect(done).toMatchObject({ code: 0, err: `note: ${hint}\n` })
      const none = await idsFile(absent)
      expect(await world.jobsctl([verb, '--ids-file', none, ...flags, '--yes'])).toMatchObject({ code: 0, out: '' })
      const refused = await world.jobsctl([verb, '--ids-file', none, '--must-exist', ...flags, '--yes'])
      expect(refused).toMatchObject({ code: 5, err: expect.stringContaining(hint) })
    },
  )

  it('requeue takes a file of ids over several domains, and tells each job that it leaves once', async () => {
    const ids = [
      ...(await world.jobs(2, { status: 'quarantined', domain: 'a' })),
      ...(await world.jobs(3, { status: 'quarantined', domain: 'b' })),
      ...(await world.jobs(1, { status: 'completed', domain: 'b' })),
    ]
    await world.jobs(1, { status: 'quarantined', domain: 'c' })
    const path = await idsFile(...ids.map(String), absent)
    const note = `note: job ${ids[5]} is completed, not quarantined\nnote: ${hint}\n`
    const dry = await world.jobsctl(['requeue', '--ids-file', path, '--dry-run'])
    expect(dry).toMatchObject({ code: 0, out: 'would requeue 5 jobs\n', err: note })
    const own = await world.jobsctl(['requeue', '--ids-file', path, '--domain', 'a', '--dry-run', '--json'])
    expect(JSON.parse(own.out)).toMatchObject({ affected: 2, missing_count: 1, not_taken_count: 4 })
    const done = await world.jobsctl(['requeue', '--ids-file', path, '--yes', '--json'])
    expect(done).toMatchObject({ code: 0, err: note })
    expect(JSON.parse(done.out)).toMatchObject({ affected: 5, missing_count: 1, not_taken_count: 1 })
    expect((await world.rows()).filter(({ status }) => status === 'quarantined')).toHaveLength(1)
    expect(await world.jobsctl(['requeue', '7', '--ids-file', path, '--yes'])).toMatchObject({ code: 2 })
    await expectIntact(world)
  })

  it.each(changes.filter(([verb]) => verb !== 'edit'))(
    '%s does not say of a job of a file that only a filter leaves out that its state is another',
    async (...change) => {
      const [verb, flags, status] = change
      const [there, other] = [await one(status), String((await world.jobs(1, { status, domain: 'other' }))[0])]
      const path = await idsFile(there, other)
      const run = await world.jobsctl([verb, '--ids-file', path, '--domain', 'chatbooks', ...flags, '--dry-run'])
      const state = status === 'processing' ? 'processing' : status
      expect(run).toMatchObject({
        code: 0,
        err: expect.stringMatching(new RegExp(`^note: job ${other} is ${state}, and outside of the filter\\b`)),
      })
      await expectIntact(world)
    },
  )

  it('edit says why it leaves a queued job', async () => {
    const [job] = await world.jobs(1, { status: 'queued', payload: { a: [1] }, max_retries: 7 })
    const edit = (...words: string[]) => world.jobsctl(['edit', String(job), ...words, '--yes'])
    const failed = (text: string) => ({
      code: 6,
      out: '',
      err: `error: job ${job} is queued, ${text}; nothing was changed\n`,
    })
    expect(await edit('--set', 'max_retries=7')).toMatchObject(failed('and has the values of the edit already'))
    expect(await edit('--set', 'max_retries=8', '--if', 'max_retries=2')).toMatchObject(
      failed('and has other values than --if'),
    )
    const refused = await edit('--set', 'payload.a.x.y=1')
    expect(refused).toMatchObject({
      code: 6,
      err: expect.stringContaining(`job ${job} is queued, and cannot be edited so: `),
    })
    expect(refused.err).not.toContain('--if')
  })

  it('names the command that takes a job of another state', async () => {
    const [quarantined, failed] = [await one('quarantined'), await one('failed')]
    expect(await world.jobsctl(['retry', quarantined, '--yes'])).toMatchObject({
      code: 6,
      err: expect.stringContaining(`job ${quarantined} is quarantined: jobsctl requeue ${quarantined}; nothing`),
    })
    expect(await world.jobsctl(['requeue', failed, '--dry-run'])).toMatchObject({
      code: 6,
      err: expect.stringContaining(`job ${failed} is failed: jobsctl retry ${failed}; nothing`),
    })
  })

  it('ends well where the jobs are as wanted already', async () => {
    const id = await one('queued')
    expect(await world.jobsctl(['cancel', id, '--yes'])).toMatchObject({ code: 0 })
    expect(await world.jobsctl(['cancel', id, '--yes'])).toEqual({
      ...{ code: 0, out: '' },
      err: `note: job ${id} is cancelled already\n`,
    })
  })

  it('judges no job that the answer does not list, and says how many they are', async () => {
    const cancelled = (await world.jobs(100, { status: 'cancelled' })).map(String)
    const completed = (await world.jobs(30, { status: 'completed' })).map(String)
    const more = '30 jobs more not taken, by state or filter: name fewer ids to see each'
    const first = `jobs ${cancelled.slice(0, 10).join(', ')} and 90 more are cancelled already`
    for (const ending of ['--yes', '--dry-run'])
      expect(await world.jobsctl(['cancel', ...cancelled, ...completed, ending])).toMatchObject({
        code: 6,
        out: '',
        err: expect.stringContaining(`error: ${first}; ${more}; nothing was changed\n`),
      })
    expect(await world.jobsctl(['cancel', ...completed, '--yes'])).toMatchObject({ code: 6 })
    expect(await world.jobsctl(['cancel', ...cancelled, '--yes'])).toMatchObject({ code: 0 })
  })

  it('counts the ids without a job that the answer does not list', async () => {
    const completed = (await world.jobs(99, { status: 'completed' })).map(String)
    const [one, ...others] = Array.from({ length: 3 }, (_, at) => String(Number(absent) - 2 + at))
    const some = await world.jobsctl(['retry', ...completed, ...[one, ...others].map(String), '--yes'])
    expect(some).toMatchObject({ code: 5, err: expect.stringContaining(`there are no jobs ${one} and 2 more`) })
    const more = (await world.jobs(1, { status: 'completed' })).map(String)
    const none = await world.jobsctl(['retry', ...completed, ...more, ...others, '--yes'])
    expect(none).toMatchObject({ code: 5, err: expect.stringContaining('2 of the ids have no job; nothing') })
  })

  it('hints at no command that takes only some of the jobs', async () => {
    const ids = (await world.jobs(12, { status: 'quarantined' })).map(String)
    const text = 'and 2 more are quarantined: jobsctl requeue with their ids takes them; nothing'
    expect(await world.jobsctl(['retry', ...ids, '--yes'])).toMatchObject({
      code: 6,
      err: expect.stringContaining(text),
    })
  })

  it('takes archived jobs for ones that are not there', async () => {
    const id = await one('failed')
    await world.jobsctl(['prune', '--domain', 'chatbooks', '--older-than', '1d', '--yes'])
    expect(await world.count()).toBe(0)
    expect(await world.jobsctl(['retry', id, '--yes'])).toMatchObject({
      code: 5,
      err: expect.stringContaining(`there is no job ${id}`),
    })
  })

  it('answers over HTTP what it did not find, without a preview, too', async () => {
    const [failed, queued] = [Number(await one('failed')), Number(await one('queued'))]
    const body = { ids: [failed, queued, 4711, 4712, 4711] }
    const { body: answer } = await world.confirm('/api/v1/jobs/batch/retry', body)
    expect(answer).toMatchObject({
      ...{ affected: 1, missing_count: 2, not_taken_count: 1 },
      not_matched: [4711, 4712].map((id) => ({ id, status: null })),
    })
    const { body: dry } = await world.post('/api/v1/jobs/batch/retry', { job_id: queued, dry_run: true })
    expect(dry).toMatchObject({ missing_count: 0, not_taken_count: 1, not_matched: [{ id: queued, status: 'queued' }] })
    const { body: all } = await world.post('/api/v1/jobs/batch/retry', { domain: 'chatbooks', dry_run: true })
    expect(all).not.toHaveProperty('missing_count')
  })

  it('retry --also-quarantined takes failed and quarantined jobs as one change, and one undo gives both back', async () => {
    const ids = [await one('failed'), await one('quarantined')]
    const before = await world.rows()
    const done = await world.jobsctl(['retry', ...ids, '--also-quarantined', '--yes', '--json'])
    expect(done).toMatchObject({ code: 0, err: '' })
    const { affected, operation_ids } = JSON.parse(done.out)
    expect([affected, operation_ids.length]).toEqual([2, 1])
    expect((await world.rows()).map(({ status }) => status)).toEqual(['queued', 'queued'])
    expect(await world.jobsctl(['undo', String(operation_ids[0]), '--yes'])).toMatchObject({ code: 0 })
    const withoutTime = (rows: typeof before) => rows.map(({ updated_at: _, ...row }) => row)
    expect(withoutTime(await world.rows())).toEqual(withoutTime(before))
    await expectIntact(world)
  })
})
