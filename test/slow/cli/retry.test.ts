import { expect, it } from 'vitest'
import {
  deadServer,
  type FakeRequest,
  type FakeServer,
  fakeServer,
  jobsAnswer,
  type Reply,
} from '../../support/fakes/fake-server.ts'
import { until } from '../../support/poll.ts'
import type { Ended } from '../../support/programs/child.ts'
import { identity, type JobsctlOptions, runJobsctl, startJobsctl } from '../../support/programs/jobsctl.ts'
import { enter, startAtTerminal } from '../../support/programs/terminal.ts'

const run = ({ url }: FakeServer, argv: string[], env: JobsctlOptions['env'] = {}) =>
  runJobsctl(argv, { env: { JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key', ...env } })

const stats = { body: [] }
const prune = ['prune', '--all']
const isChange = ({ headers }: FakeRequest) => headers['x-confirm'] !== undefined
const changesOf = ({ requests }: FakeServer) => requests.filter(isChange)

/** Troubles that pass; each answer comes once, then all is well. */
const passing: [string, Reply][] = [
  ['a broken connection', 'reset'],
  ['429', { status: 429, headers: { 'retry-after': '0' }, body: { detail: 'slower' } }],
  ['502', { status: 502, body: 'bad gateway' }],
  ['503', { status: 503, body: { detail: 'away', code: 'database_unavailable' } }],
  ['503 while it stops', { status: 503, body: { detail: 'stopping', code: 'shutting_down' } }],
  ['504', { status: 504, body: '' }],
]

it.each(passing)('repeats a read and a preview after %s', async (_what, trouble) => {
  const [reading, previewing] = await Promise.all([
    fakeServer((_, nth) => (nth === 1 ? trouble : stats)),
    fakeServer((_, nth) => (nth === 1 ? trouble : jobsAnswer(3))),
  ])
  const [read, preview] = await Promise.all([
    run(reading, ['stats', '--json']),
    run(previewing, [...prune, '--dry-run']),
  ])
  expect(read).toEqual({ code: 0, out: '[]\n', err: '' })
  expect(preview).toEqual({ code: 0, out: 'would delete 3 jobs in all domains\n', err: '' })
  expect([reading.requests.length, previewing.requests.length]).toEqual([2, 2])
})

/** Runs it against a port on which nobody listens before it tries for the second time. */
async function withoutServerAtFirst(argv: string[], answer: Reply): Promise<{ ended: Ended; server: FakeServer }> {
  const dead = await deadServer()
  const env = { JOBSCTL_URL: dead.url, JOBSCTL_API_KEY: 'key' }
  const { output, ended } = await startJobsctl([...argv, '--retries', '20', '--debug'], { env })
  await until('it tries again', () => output.err.split(dead.url).length > 2)
  const server = await fakeServer(() => answer, dead.port)
  return { ended: await ended, server }
}

it('repeats a read when the connection is refused, until somebody listens', async () => {
  const { ended, server } = await withoutServerAtFirst(['stats', '--json'], stats)
  expect(ended).toMatchObject({ code: 0, out: '[]\n' })
  expect(server.requests).toHaveLength(1)
})

it.each([
  ['400', { status: 400, body: { detail: 'bad' } }],
  ['401', { status: 401, body: { detail: 'no' } }],
  ['404', { status: 404, body: { detail: 'gone' } }],
  ['409', { status: 409, body: { detail: 'busy' } }],
  ['500', { status: 500, body: { detail: 'boom' } }],
  ['an answer that is not understood', { body: 'hello' }],
])('does not repeat what would fail again: %s', async (_what, answer) => {
  const server = await fakeServer(() => answer)
  expect((await run(server, ['stats', '--retries', '5'])).code).not.toBe(0)
  expect(server.requests).toHaveLength(1)
})

it.each([
  ['twice by default', [], {}, 3],
  ['as often as --retries says', ['--retries', '1'], { JOBSCTL_RETRIES: '4' }, 2],
  ['as often as JOBSCTL_RETRIES says', [], { JOBSCTL_RETRIES: '0' }, 1],
])('repeats %s', async (_what, more, env, times) => {
  const server = await fakeServer(() => 'reset')
  expect(await run(server, ['stats', ...more], env)).toMatchObject({ code: 7, out: '' })
  expect(server.requests).toHaveLength(times)
})

it('waits as long as Retry-After says', async () => {
  const times: number[] = []
  const server = await fakeServer((_, nth) => {
    times.push(performance.now())
    return nth === 1 ? { status: 503, headers: { 'retry-after': '1' }, body: { detail: 'away' } } : stats
  })
  expect(await run(server, ['stats'])).toMatchObject({ code: 0 })
  const [first = 0, second = 0] = times
  expect(second - first).toBeGreaterThanOrEqual(990)
})

it('gives up at once where the wait would be longer than a minute, or than the time that is left', async () => {
  const after = (seconds: string) =>
    fakeServer(() => ({ status: 429, headers: { 'retry-after': seconds }, body: { detail: 'slower' } }))
  const [minute, deadline] = await Promise.all([after('61'), after('30')])
  const [long, short] = await Promise.all([run(minute, ['stats']), run(deadline, ['stats', '--timeout', '20'])])

  expect([long.code, short.code]).toEqual([7, 7])
  expect([minute.requests.length, deadline.requests.length]).toEqual([1, 1])
  // Neither waited until its time was up, which would be reported instead.
  expect([long.err, short.err]).toEqual(Array(2).fill(expect.stringContaining('error: slower')))
  expect(long.err).toContain('  hint: run the command again in 1m 1s\n')
})

it('says what to do where a server without hints is away, asks to wait, or a proxy refuses the call', async () => {
  const errorOf = async (reply: Reply) => (await run(await fakeServer(() => reply), ['stats', '--retries', '0'])).err
  expect(await errorOf({ status: 429, headers: { 'retry-after': '-5' }, body: {} })).toContain('again in 1m\n')
  expect(await errorOf({ status: 503, body: { detail: 'db down' } })).toMatch(
    /error: db down\n {2}hint: .*jobsctl doctor/,
  )
  const refused = await errorOf({ status: 403, headers: { 'content-type': 'text/html' }, body: '<h1>Forbidden</h1>' })
  expect(refused).toMatch(/a proxy at \S+ answered HTTP 403; nothing was changed\n {2}hint: the rules of the proxy/)
  expect(await errorOf({ status: 403, body: { detail: 'admins only' } })).toMatch(
    /error: admins only\n {2}hint: this key/,
  )
})

it('keeps one deadline for all tries together', async () => {
  const slow = await fakeServer(async () => {
    const start = performance.now()
    await until('it has taken its time', () => performance.now() - start > 1500)
    return { status: 503, body: { detail: 'away' } }
  })
  const silent = await fakeServer((_, nth) => (nth < 3 ? 'reset' : 'silence'))
  const argv = ['stats', '--timeout', '5', '--retries', '9']
  const [tired, late] = await Promise.all([run(slow, argv), run(silent, argv)])

  expect(tired).toMatchObject({ code: 7, out: '' })
  // Each try takes less than the time for all, so that ten tries would be made if each had that time for itself.
  expect(slow.requests.length).toBeLessThan(10)
  // On a busy machine the time is over before the third try.
  expect(late).toMatchObject({ code: 7, out: '' })
  expect(late.err.replace(/ \([23] attempts\)/, '')).toBe(
    `error: no answer from ${silent.url} within 5 s\n  hint: raise --timeout (with --fleet: --profile-timeout), or run the command again later\n`,
  )
  expect(silent.requests.length).toBeLessThan(4)
})

it.each([
  ['SIGINT', 130, 'interrupted'],
  ['SIGTERM', 143, 'terminated'],
] as const)('%s ends the wait for another try with %i', async (signal, code, word) => {
  const busy = await fakeServer(() => ({ status: 503, headers: { 'retry-after': '30' }, body: { detail: 'away' } }))
  const env = { JOBSCTL_URL: busy.url, JOBSCTL_API_KEY: 'key' }
  const child = await startJobsctl(['stats', '-v'], { env })
  await until('it has heard the answer', () => child.output.err.includes(' 503 '))
  child.process.kill(signal)
  expect(await child.ended).toMatchObject({ code, err: expect.stringMatching(new RegExp(`^error: ${word}\n`, 'm')) })
})

it.each(passing)('sends a change once, even after %s', async (_what, trouble) => {
  const server = await fakeServer((request) => (isChange(request) ? trouble : jobsAnswer(3)))
  const { code, out } = await run(server, [...prune, '--yes', '--retries', '9'])

  expect({ code, out }).toEqual({ code: 7, out: '' })
  expect(changesOf(server)).toHaveLength(1)
})

it('sends a change again only where the connection was refused', async () => {
  const { ended, server } = await withoutServerAtFirst([...prune, '--yes', '--no-preview'], jobsAnswer(3))
  expect(ended).toMatchObject({ code: 0, out: 'deleted 3 jobs in all domains\n' })
  expect(changesOf(server)).toHaveLength(1)
})

it('a change carries its confirmation, the token of its preview, its reason and a key of its own', async () => {
  const server = await fakeServer(() => jobsAnswer(3))
  await run(server, [...prune, '--yes', '--reason', 'Ünïcode 📚'])
  await run(server, [...prune, '--yes', '--reason', 'a\r\nX-Evil: 1'])
  await run(server, [...prune, '--yes'])
  const changes = changesOf(server)
  const previews = server.requests.filter((request) => !isChange(request))

  expect(changes.map(({ body }) => body)).toEqual(
    Array(3).fill({
      statuses: ['completed', 'failed', 'cancelled'],
      older_than_days: 30,
      dry_run: false,
      preview_token: 'token-of-3',
    }),
  )
  for (const { headers } of changes) {
    expect(headers).toMatchObject({ 'x-confirm': 'true', accept: 'application/x-ndjson', 'x-api-key': 'key' })
  }
  const reasons = changes.map(({ headers }) => Buffer.from(String(headers['x-reason']), 'latin1').toString('utf8'))
  expect(reasons).toEqual(['Ünïcode 📚', 'a  X-Evil: 1', `jobsctl by ${identity}`])
  expect(new Set(changes.map(({ headers }) => headers['idempotency-key'])).size).toBe(3)
  for (const { headers, body } of previews) {
    expect(Object.keys(headers)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/confirm|reason|idempotency/)]),
    )
    expect(body).toMatchObject({ dry_run: true })
  }
})

it('a change without an answer in time says that it may still be done, and gives the dry run that shows', async () => {
  const [late, lost] = await Promise.all(
    (['silence', 'reset'] as const).map((how) => fakeServer((request) => (isChange(request) ? how : jobsAnswer(3)))),
  )
  if (!late || !lost) throw new Error('two servers were started')
  const argv = ['prune', '--domain', 'a', '--older-than', '9d', '--yes', '--timeout', '5']
  const [timedOut, broken] = await Promise.all([run(late, argv), run(lost, argv)])

  const hint = '  hint: to see where it stands: jobsctl prune --domain a --older-than 9d --dry-run\n'
  expect(timedOut).toEqual({
    code: 7,
    out: '',
    err: `error: no answer from ${late.url} within 5 s; the server may still finish it\n${hint}`,
  })
  expect(broken).toMatchObject({ code: 7, out: '' })
  expect(broken.err).toMatch(/^error: cannot reach .+; the server may still finish it\n/)
  expect(broken.err).toContain(hint)
})

it('tells nobody that a change may be done when the connection was refused', async () => {
  const server = await fakeServer(() => jobsAnswer(3))
  await server.stop()
  const { code, err } = await run(server, [...prune, '--yes', '--no-preview', '--retries', '0'])
  expect(code).toBe(7)
  expect(err).toContain('connection refused')
  expect(err).not.toContain('may still')
})

it('what was typed before the question is no answer to it', async () => {
  let typed = () => {}
  const before = new Promise<void>((resolve) => {
    typed = resolve
  })
  const server = await fakeServer(async (request) => {
    if (!isChange(request)) await before
    return jobsAnswer(3)
  })
  const person = await startAtTerminal(['sweep', '--all', '--age', '1d'], {
    env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' },
  })
  await until('the preview is requested', () => server.requests.length)
  person.types(`3${enter}3`)
  await person.sees('3\n3')
  typed()
  await person.sees('go ahead:')
  person.types(`no${enter}`)
  expect(await person.ended).toMatchObject({ code: 3 })
  expect(changesOf(server)).toEqual([])
})

it('the time that a person takes to answer does not count', async () => {
  const server = await fakeServer(() => jobsAnswer(3))
  const person = await startAtTerminal(['sweep', '--all', '--age', '1d', '--timeout', '5'], {
    env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' },
  })
  await person.sees('go ahead:')
  const shown = Date.now()
  await until('more than the timeout has passed', () => Date.now() - shown > 5200)
  person.types(`3${enter}`)
  expect(await person.ended).toMatchObject({ code: 0 })
})
