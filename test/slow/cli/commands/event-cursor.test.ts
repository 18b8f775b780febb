import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { clearAll } from '../../../support/changes/bulk-tools.ts'
import { until } from '../../../support/poll.ts'
import { startJobsctl } from '../../../support/programs/jobsctl.ts'
import { jobPaths, newJob } from '../../../support/worker.ts'
import { openWorld, type World } from '../../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())
beforeEach(() => clearAll(world))

const enqueue = (n: number) => world.post(jobPaths.batch, { jobs: Array.from({ length: n }, () => newJob()) })
const events = (...argv: string[]) => world.jobsctl(['events', ...argv])
const read = async (...argv: string[]) => {
  const { code, out } = await events('--cursor', 'billing', ...argv)
  expect(code).toBe(0)
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(line.split('\t')[0]))
}
const place = async () => {
  const [cursor] = await world.sql<{ after_id: number }[]>`select after_id from jobsctl_event_cursors`
  return cursor?.after_id
}

it('events --cursor goes on where the reader of the name has ended', async () => {
  await enqueue(3)
  expect(await read('--limit', '2')).toEqual([1, 2])
  expect(await read()).toEqual([3])
  expect(await read()).toEqual([])
  await enqueue(1)
  const json = JSON.parse((await events('--cursor', 'billing', '--json')).out)
  expect(json).toMatchObject([{ id: 4 }])
  expect(await place()).toBe(4)
})

it('events --cursor begins where --after says, and moves only forward', async () => {
  await enqueue(4)
  expect(await read('--after', '2')).toEqual([3, 4])
  const back = await events('--cursor', 'billing', '--after', '1')
  expect(back).toMatchObject({ code: 2, err: expect.stringContaining('is at 4, and moves only forward') })
  expect(back.err).toContain('jobsctl events --forget billing')
  const forgotten = await events('--forget', 'billing')
  expect(forgotten).toMatchObject({
    code: 0,
    out: expect.stringContaining('jobsctl events --cursor billing --after 4'),
  })
  expect(await events('--forget', 'billing')).toMatchObject({
    code: 5,
    err: expect.stringContaining('no cursor billing'),
  })
  expect(await read('--after', '1')).toEqual([2, 3, 4])
})

it('events --cursor --follow moves the cursor with what it has printed', async () => {
  const { url, key } = world
  await enqueue(1)
  const following = await startJobsctl(['events', '--cursor', 'billing', '--follow'], {
    env: { JOBSCTL_URL: url, JOBSCTL_API_KEY: key },
  })
  await until('the first event is printed', () => following.output.out.includes('job.created'))
  await enqueue(2)
  await until('the cursor has moved', async () => (await place()) === 3)
  following.process.kill('SIGINT')
  await following.ended
  expect(await read()).toEqual([])
})

it('a reader that has missed events is told the command that goes on with its cursor', async () => {
  await enqueue(3)
  expect(await read('--limit', '1')).toEqual([1])
  await world.sql`
    insert into jobsctl_expired_events (domain, queue, job_type, last_id) values ('chatbooks', 'default', 'export', 2)`
  await world.sql`delete from job_events where id < 3`
  const missed = await events('--cursor', 'billing')
  expect(missed).toMatchObject({ code: 6, err: expect.stringContaining('jobsctl events --after 2 --cursor billing') })
  expect(await read('--after', '2')).toEqual([3])
  await world.sql`delete from jobsctl_expired_events`
})

it('a reader whose place is not in the log is told the commands that go on', async () => {
  await enqueue(3)
  const told = async (...argv: string[]) => {
    const { code, err } = await events(...argv)
    return { code, hint: /hint: .*/.exec(err)?.[0] }
  }
  const why = 'hint: the id is of another log, or of a lost part of this one: read what you need again,'
  const onward = 'and go on with: jobsctl events --after 3'
  expect(await told('--after', '99999999')).toEqual({ code: 6, hint: `${why} ${onward}` })
  const beyond = await told('--cursor', 'billing', '--after', '99999999')
  expect(beyond).toEqual({ code: 6, hint: `${why} ${onward} --cursor billing` })
  await read()
  await world.sql`update jobsctl_event_cursors set after_id = 50 where name = 'billing'`
  const forget = 'run jobsctl events --forget billing,'
  expect(await told('--cursor', 'billing')).toEqual({ code: 6, hint: `${why} ${forget} ${onward} --cursor billing` })
})

it('doctor lists the readers, and how far one is behind', async () => {
  await enqueue(2)
  await read('--limit', '1')
  const line = async () =>
    (await world.jobsctl(['doctor'])).out.split('\n').find((line) => line.startsWith('readers\t'))
  expect(await line()).toMatch(/^readers\tok\tbilling at 1, its next event was (?:just now|\d+[sm] ago)\t$/)
  await world.sql`update job_events set created_at = now() - interval '3 days'`
  expect(await line()).toMatch(
    /^readers\twarning\tbilling at 1, its next event was 3d ago\t.*jobsctl events --forget billing$/,
  )
  await read()
  expect(await line()).toBe('readers\tok\tbilling at 2, has read everything\t')
  await events('--forget', 'billing')
  expect(await line()).toBe('readers\tok\tno registered readers of the event log\t')
})

it('flags that contradict each other are refused, and nothing is registered', async () => {
  for (const flags of [
    ['--since', '1h'],
    ['--curl'],
    ['--follow', '--limit', '3'],
    ['--forget', 'x'],
    ['--follow', '--json'],
  ])
    expect(await events('--cursor', 'billing', ...flags)).toMatchObject({ code: 2, out: '' })
  expect(await events('--cursor', 'a b')).toMatchObject({ code: 2 })
  expect(await place()).toBeUndefined()
})
