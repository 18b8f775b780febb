import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { exits } from '../../../shared/exits.ts'
import { deadServer, type FakeServer, fakeServer, jobsAnswer } from '../../support/fakes/fake-server.ts'
import { until } from '../../support/poll.ts'
import type { Ended } from '../../support/programs/child.ts'
import { runJobsctl, startJobsctl } from '../../support/programs/jobsctl.ts'
import { openWorld, type World } from '../../support/world.ts'

const env = ({ url }: { url: string }) => ({ JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key', JOBSCTL_RETRIES: '0' })
const at = (server: FakeServer, ...argv: string[]) => runJobsctl(argv, { env: env(server) })

/** The same command line for people and for programs: both exit alike, and the JSON repeats the code. */
async function both(
  run: (...more: string[]) => Promise<Ended>,
): Promise<{ code: number | null; error: unknown; err: string }> {
  const [text, json] = await Promise.all([run(), run('--json')])
  const { error }: { error: unknown } = JSON.parse(json.err)
  expect(json.err.trim().split('\n')).toHaveLength(1)
  expect([text.out, json.out]).toEqual(['', ''])
  expect(error).toMatchObject({ exit: text.code })
  expect(json.code).toBe(text.code)
  return { code: text.code, error, err: text.err }
}

describe('exit codes of a real server', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  it('0: done, and nothing to do', async () => {
    await world.jobs(1)
    const runs = await Promise.all(
      [['stats'], ['prune', '--domain', 'none', '--yes'], ['integrity'], ['doctor'], ['help', 'exit-codes']].map(
        (argv) => world.jobsctl(argv),
      ),
    )
    expect(runs.map(({ code, err }) => ({ code, err }))).toEqual(Array(5).fill({ code: 0, err: '' }))
  })

  it('3: not confirmed', async () => {
    await world.jobs(1)
    const { code, error } = await both((...more) => world.jobsctl(['prune', '--all', ...more]))
    expect(code).toBe(3)
    expect(error).toMatchObject({ code: 'confirmation_required', hint: expect.stringContaining('--yes') })
  })

  it('4: a wrong key, and no key at all; the key is not repeated', async () => {
    const [wrong, none] = await Promise.all([
      both((...more) => world.jobsctl(['stats', ...more], { env: { JOBSCTL_API_KEY: 'wrong-key-7' } })),
      both((...more) => world.jobsctl(['stats', ...more], { env: { JOBSCTL_API_KEY: undefined } })),
    ])
    expect(wrong).toMatchObject({ code: 4, error: { code: 'unauthenticated', request_id: expect.any(String) } })
    expect(wrong.err).toMatch(/^error: .+\n {2}hint: .+\n {2}request: \S+ \(http:\/\/127\.0\.0\.1:\d+\)\n$/)
    expect(none).toMatchObject({ code: 4, error: { code: 'unauthenticated' } })
    expect(none.err).toContain('there is no key for')
    expect(JSON.stringify([wrong, none])).not.toContain('wrong-key-7')
  })

  it('5: no such job, no such profile', async () => {
    const [job, profile] = await Promise.all([
      both((...more) => world.jobsctl(['requeue', '4711', '--yes', ...more])),
      both((...more) => world.jobsctl(['stats', '--profile', 'nowhere', ...more])),
    ])
    expect(job).toMatchObject({ code: 5, error: { code: 'not_found', detail: expect.stringContaining('4711') } })
    expect(profile).toMatchObject({ code: 5, error: { code: 'not_found', detail: 'there is no profile nowhere' } })
  })

  it('6: another run holds the lock, and nothing was changed', async () => {
    await world.jobs(1)
    await world.sql`
      insert into job_operations (kind, filters, as_of, seen, caller, request_hash, touched_at)
      values ('prune', '{}', now(), pg_current_snapshot()::text, 'nightly', 'h', now() + interval '1 hour')`
    const run = await both((...more) => world.jobsctl(['prune', '--all', '--yes', '--retries', '0', ...more]))
    expect(run).toMatchObject({ code: 6, error: { code: 'conflict', hint: expect.any(String) } })
    expect(run.err).toContain('nothing was changed')
    expect(await world.count()).toBe(1)
  })

  it('8: more than --max match', async () => {
    await world.jobs(12)
    const { code, error, err } = await both((...more) =>
      world.jobsctl(['prune', '--all', '--yes', '--max', '9', ...more]),
    )
    expect(code).toBe(8)
    expect(error).toMatchObject({ code: 'limit_exceeded', hint: 'narrow the scope, or raise --max' })
    expect(err).toContain('12 jobs match, above the limit of 9; nothing was changed')
    expect(await world.count()).toBe(12)
  })

  it('10: something would change, and only with --detailed-exitcode', async () => {
    const argv = ['integrity', '--all', '--detailed-exitcode', '-q']
    expect(await world.jobsctl(argv)).toEqual({ code: 0, out: '', err: '' })
    await world.jobs(2, { status: 'processing', leased_until: null })
    const [detailed, plain] = await Promise.all([world.jobsctl(argv), world.jobsctl(['integrity', '--all'])])
    expect(detailed).toEqual({ code: 10, out: '', err: '' })
    expect(plain).toMatchObject({ code: 0, out: 'non_processing_with_lease\t0\nprocessing_expired\t2\n' })
  })
})

describe('exit codes of servers in trouble', () => {
  it.each([
    ['1: a server error', 500, { detail: 'boom', code: 'internal' }, 1, 'internal'],
    ['1: an answer that is not understood', 200, 'hello', 1, 'unexpected_answer'],
    ['1: an answer of the wrong shape', 200, { nothing: true }, 1, 'unexpected_answer'],
    ['1: a request the server cannot read', 400, { detail: 'bad' }, 1, 'malformed_request'],
    ['2: what the server refuses to accept', 422, { detail: 'no' }, 2, 'invalid_request'],
    ['4: 401', 401, { detail: 'no' }, 4, 'unauthenticated'],
    ['4: 403', 403, { detail: 'not you' }, 4, 'forbidden'],
    ['5: 404', 404, 'page not found', 5, 'not_found'],
    ['6: 409', 409, { detail: 'changed meanwhile' }, 6, 'conflict'],
    ['7: 429', 429, { detail: 'slower' }, 7, 'rate_limited'],
    ['7: 502', 502, '<html>', 7, 'database_unavailable'],
    ['7: 503', 503, { detail: 'away', code: 'shutting_down' }, 7, 'shutting_down'],
    ['7: 504', 504, '', 7, 'database_unavailable'],
    ['8: 412', 412, { detail: 'too many' }, 8, 'limit_exceeded'],
    ['1: a status that nobody knows', 418, { detail: 'teapot' }, 1, 'internal'],
  ])('%s', async (_title, status, body, code, word) => {
    const server = await fakeServer(() => ({ status, body, headers: { 'x-request-id': 'req-7' } }))
    const { code: ended, out, err } = await at(server, 'stats', '--json')

    expect({ ended, out }).toEqual({ ended: code, out: '' })
    const { error }: { error: unknown } = JSON.parse(err)
    expect(error).toMatchObject({ code: word, exit: code, request_id: 'req-7', detail: expect.stringMatching(/./) })
  })

  it.each([
    [{ reason: 'quota', left: 0 }, '{"reason":"quota","left":0}'],
    [['no', 'never'], '["no","never"]'],
    [[{ loc: ['body', 'queue'], msg: 'is unknown' }], '--queue: is unknown'],
    [[{ loc: 'queue', msg: 'is unknown' }], '--queue: is unknown'],
    [[{ msg: 'is unknown' }], 'request: is unknown'],
  ])('the reason %j of another server is shown', async (detail, sentence) => {
    const server = await fakeServer(() => ({ status: 422, body: { detail } }))
    expect(await at(server, 'stats')).toEqual({
      code: 2,
      out: '',
      err: `error: ${sentence}\n  hint: jobsctl stats --help\n`,
    })
  })

  it('an error is what happened, what to type next, and the request at its server', async () => {
    const server = await fakeServer(() => ({
      status: 409,
      body: { detail: 'busy', hint: 'wait', request_id: 'req-8' },
    }))
    expect(await at(server, 'stats')).toEqual({
      code: 6,
      out: '',
      err: `error: busy\n  hint: wait\n  request: req-8 (${server.url})\n`,
    })
  })

  it('7: nobody listens', async () => {
    const server = await deadServer()
    const run = await both((...more) => at(server, 'stats', ...more))
    expect(run).toMatchObject({ code: 7, error: { code: 'unreachable', hint: expect.stringContaining('doctor') } })
    expect(run.err).toContain(`cannot reach ${server.url}: connection refused`)
  })

  it('7: no answer in time', async () => {
    const server = await fakeServer(() => 'silence')
    const run = await both((...more) => at(server, 'stats', '--timeout', '1', ...more))
    expect(run).toMatchObject({ code: 7, error: { code: 'timed_out' } })
    expect(run.err).toContain('within 1 s')
  })

  it('9: a change of several calls that broke off says how far it came, and how to go on', async () => {
    const groups = ['a', 'b', 'c'].map((domain) => ({
      ...{ domain, queue: 'q', job_type: 't', queued: 0, scheduled: 0, processing: 0 },
      quarantined: 2,
    }))
    const server = await fakeServer(({ path, headers, body }) => {
      if (path.includes('/stats')) return { body: groups }
      const second = headers['x-confirm'] !== undefined && Reflect.get(Object(body), 'domain') === 'b'
      return second ? { status: 500, body: { detail: 'boom' } } : jobsAnswer(2)
    })

    const run = await both((...more) => at(server, 'requeue', '--all', '--yes', ...more))

    expect(run).toMatchObject({ code: 9, error: { code: 'partial' } })
    expect(run.err).toContain(
      'error: requeued 2 jobs in all domains, then stopped: boom; the server may still finish it\n',
    )
    expect(run.err).toContain('jobsctl requeue --all --dry-run')
    const confirmed = server.requests.filter(({ headers }) => headers['x-confirm'] !== undefined)
    expect(confirmed.map(({ body }) => Reflect.get(Object(body), 'domain')).sort()).toEqual(['a', 'a', 'b', 'b'])
  })

  it.each([
    ['SIGINT', 130, 'interrupted'],
    ['SIGTERM', 143, 'terminated'],
  ] as const)('%s ends a read with %i', async (signal, code, word) => {
    const server = await fakeServer(() => 'silence')
    const run = await startJobsctl(['stats', '--json'], { env: env(server) })
    await until('the request has arrived', () => server.requests.length)
    run.process.kill(signal)

    const { code: ended, out, err } = await run.ended
    const { error }: { error: unknown } = JSON.parse(err)
    expect({ ended, out, error }).toMatchObject({ ended: code, out: '', error: { code: word, exit: code } })
  })

  it('a change that is interrupted says that the server may still finish it, and gives the dry run that shows', async () => {
    const server = await fakeServer(({ headers }) => (headers['x-confirm'] === undefined ? jobsAnswer(2) : 'silence'))
    const run = await startJobsctl(['prune', '--domain', 'a', '--yes'], { env: env(server) })
    await until('the change has arrived', () => server.requests.length === 2)
    run.process.kill('SIGINT')

    const { code, err } = await run.ended
    expect(code).toBe(130)
    expect(err).toContain('the server may still finish it')
    expect(err).toContain('jobsctl prune --domain a --older-than 30d --dry-run')
  })
})

describe('exit codes of the command line itself', () => {
  it.each([
    ['an unknown flag', ['stats', '--domian', 'x'], '--domian', 'did you mean --domain'],
    ['an unknown command', ['prnue'], "unknown command 'prnue'", 'did you mean prune?'],
    ['a wrong value', ['prune', '--all', '--older-than', '36h'], '--older-than', '--older-than 30d'],
    ['no scope', ['prune', '--yes'], 'a change needs a scope', 'add --domain, or --all'],
  ])('2: %s is reported with what to type next, and without the whole help', async (_what, argv, detail, hint) => {
    const run = await both((...more) => runJobsctl([...argv, ...more]))
    expect(run).toMatchObject({ code: 2, error: { code: 'usage' } })
    expect(run.err.toLowerCase()).toContain(hint.toLowerCase())
    expect(run.err).toContain(detail)
    expect(run.err.split('\n').length).toBeLessThan(5)
  })

  it('help exit-codes tells every code, and what to do with others', async () => {
    const { out } = await runJobsctl(['help', 'exit-codes'])
    for (const { code, name, when } of Object.values(exits)) {
      expect(out).toMatch(new RegExp(`^ +${code} +${name} +${when}$`, 'm'))
    }
    expect(out).toContain('Treat any code you do not know as a failure')
  })
})
