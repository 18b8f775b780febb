import { expect, test } from 'vitest'
import { changeServer, changesOf, envOf, recordOf, runAt } from '../../support/fakes/change-server.ts'
import type { Reply } from '../../support/fakes/fake-server.ts'
import { otherServer } from '../../support/fakes/other-server.ts'
import { until } from '../../support/poll.ts'
import { startJobsctl } from '../../support/programs/jobsctl.ts'

// Each of these tests has servers of its own, and some wait for seconds.
const it = test.concurrent

const requeue = ['requeue', '--domain', 'chatbooks', '--canary', '20', '--yes']
const canaries = { affected: 20, operation_id: 17, job_ids: [1, 2], rest_token: 'the rest' }

/** A server whose canaries are in the given state at each look; the last state stays. */
function canaryServer(nows: (object | Reply)[], first: object = canaries) {
  let looks = 0
  return changeServer(
    (_asked, nth) => ({ body: nth === 1 ? first : { affected: 180, operation_id: 18 } }),
    () => {
      const now = nows[Math.min(looks++, nows.length - 1)]
      if (typeof now === 'string' || (now && 'status' in now)) return now
      return { body: recordOf({ kind: 'requeue', now }) }
    },
  )
}

it('requeues the rest when all canaries are completed, each call by its token', async () => {
  const server = await canaryServer([{ queued: 20 }, { completed: 12, processing: 8 }, { completed: 20 }])
  const run = await runAt(server, [...requeue, '--json'])
  expect(run.code).toBe(0)
  expect(JSON.parse(run.out)).toMatchObject({ operation: 'requeue', affected: 200, operation_ids: [17, 18] })
  expect(changesOf(server).map(({ body }) => body)).toEqual([
    { domain: 'chatbooks', dry_run: false, preview_token: 'token-of-200', limit: 20 },
    { domain: 'chatbooks', dry_run: false, preview_token: 'the rest' },
  ])
  expect(run.err).toBe(
    [
      'requeued 20 of 200 jobs in chatbooks as canaries; watching them for 60 s',
      'canary jobs: 20 queued',
      'canary jobs: 12 completed, 8 processing',
      'canary jobs: 20 completed',
      'all canary jobs are completed; going on with the rest\n',
    ].join('\n'),
  )
})

it.each([
  [{ completed: 17, quarantined: 3 }, '17 completed, 3 quarantined'],
  [{ queued: 19, failed: 1 }, '19 queued, 1 failed'],
  [{ completed: 19, gone: 1 }, '19 completed, 1 gone'],
])('stops at once when one is not completed: %j', async (now, text) => {
  const server = await canaryServer([now])
  const run = await runAt(server, [...requeue, '-q'])
  expect(run).toEqual({
    code: 9,
    out: '',
    err:
      `error: requeued 20 of 200 jobs in chatbooks as canaries: ${text}; the other 180 jobs were not changed\n` +
      '  hint: to see their states: jobsctl operations 17; to undo: jobsctl undo 17\n',
  })
  expect(changesOf(server)).toHaveLength(1)
})

it('stops when the time is over, and says who was not done', async () => {
  const server = await canaryServer([{ completed: 17, processing: 3 }])
  const run = await runAt(server, [...requeue, '--canary-wait', '1s'])
  expect(run).toMatchObject({
    code: 9,
    err: expect.stringContaining('17 completed, 3 processing after 1 s; the other 180'),
  })
  expect(changesOf(server)).toHaveLength(1)
})

it('waits for a server that is away for a while, and stops where nobody can tell', async () => {
  const away: Reply = { status: 503, body: { detail: 'away' } }
  const gone: Reply = { status: 404, body: { detail: 'no such operation' } }
  const [back, lost] = await Promise.all([
    canaryServer([away, { completed: 20 }]),
    canaryServer([{ queued: 20 }, gone]),
  ])
  const [first, second] = await Promise.all([back, lost].map((server) => runAt(server, [...requeue, '--retries', '0'])))
  expect(first).toMatchObject({ code: 0, out: 'requeued 200 jobs in chatbooks\n' })
  expect(second).toMatchObject({
    code: 9,
    err: expect.stringContaining('their states could not be read: no such operation'),
  })
})

it.each([
  ['the canaries were all there were', 200, 'note: every job was a canary job', 0],
  ['the key of the preview is gone', 20, 'note: the key of the preview was rotated away meanwhile', 9],
])('says so when %s', async (_, affected, note, code) => {
  const server = await canaryServer([], { affected, operation_id: 17, job_ids: [1, 2, 3] })
  const run = await runAt(server, requeue)
  expect(run).toMatchObject({ code, out: `requeued ${affected} jobs in chatbooks\n` })
  expect(run.err).toContain(note)
  expect(server.requests.some(({ method }) => method === 'GET')).toBe(false)
})

it('changes no more when no canary was there to try', async () => {
  const server = await canaryServer([], { affected: 0, rest_token: 'the rest', skipped: 20 })
  const run = await runAt(server, requeue)
  expect(run).toMatchObject({ code: 6, out: '', err: expect.stringContaining('nothing was changed') })
  expect(changesOf(server)).toHaveLength(1)
})

it('Ctrl-C while they are watched leaves the rest alone', async () => {
  const server = await canaryServer([{ queued: 20 }])
  const child = await startJobsctl(requeue, { env: envOf(server) })
  await until('it watches', () => child.output.err.includes('canary jobs: 20 queued'))
  child.process.kill('SIGINT')
  const { code, err } = await child.ended
  expect(code).toBe(130)
  expect(err).toContain(
    'error: interrupted; requeued 20 of 200 jobs in chatbooks as canaries before that; the other 180 jobs were not changed\n',
  )
  expect(changesOf(server)).toHaveLength(1)
})

it('needs a domain and a count, and a server that gives tokens; a dry run is just the preview', async () => {
  const server = await canaryServer([])
  const wrong = [
    ['requeue', '--all', '--canary', '20'],
    ['requeue', '8123', '--canary', '20'],
    ['requeue', '--domain', 'a', '--canary', '0'],
    ['requeue', '--domain', 'a', '--canary', '1001'],
    ['requeue', '--domain', 'a', '--canary-wait', '9s'],
    ['requeue', '--domain', 'a', '--canary', '2', '--curl'],
    ['requeue', '--domain', 'a', '--canary', '2', '--no-preview', '--yes'],
  ]
  const runs = await Promise.all(wrong.map((argv) => runAt(server, argv)))
  expect(runs.map(({ code }) => code)).toEqual(wrong.map(() => 2))
  expect(server.requests).toEqual([])

  const jobs = { prunable: 0, overdue: 0, quarantined: 30, leased: 0, expired: 0 }
  const foreign = await otherServer(jobs)
  expect(await runAt(foreign, requeue)).toMatchObject({
    code: 2,
    err: expect.stringContaining('--canary: this server'),
  })
  expect(jobs.quarantined).toBe(30)

  const dry = await runAt(server, ['requeue', '--domain', 'chatbooks', '--canary', '20', '--dry-run'])
  expect(dry).toEqual({ code: 0, out: 'would requeue 200 jobs in chatbooks\n', err: '' })
  const run = await runAt(server, ['--canary-wait', '5m', '--canary', '20', 'requeue', '--domain', 'chatbooks'])
  expect(run.err).toContain('hint: jobsctl requeue --domain chatbooks --canary 20 --canary-wait 5m --yes\n')
})
