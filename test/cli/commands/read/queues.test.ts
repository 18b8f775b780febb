import { describe, expect, test } from 'vitest'
import { deadServer, type FakeServer, fakeServer, type Reply } from '../../../support/fakes/fake-server.ts'
import { configHome, secretFile } from '../../../support/programs/config-home.ts'
import { identity, type JobsctlOptions, runJobsctl } from '../../../support/programs/jobsctl.ts'
import { wordsOf } from '../../../support/programs/shell.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'

// Each of these tests has servers of its own, and some wait for seconds.
const it = test.concurrent

const esc = '\u001b'
const path = '/api/v1/jobs/queue/control'
const env = ({ url }: FakeServer, more: JobsctlOptions['env'] = {}) => ({
  JOBSCTL_URL: url,
  JOBSCTL_API_KEY: 'key',
  ...more,
})
const run = (server: FakeServer, argv: string[], more: JobsctlOptions['env'] = {}) =>
  runJobsctl(argv, { env: env(server, more) })

/** A server that obeys, and answers the state of the queue after that. Before, the queue is in another state. */
const obeying = (before = { paused: false, drain: false }) =>
  fakeServer(({ method, path: requested, body }) => {
    if (requested.startsWith('/api/v1/jobs/queue/status')) return { body: before }
    if (method === 'GET') return requested === '/api/v1/jobs/queues' ? { body: [] } : { status: 404 }
    if (method !== 'POST' || requested !== path) throw new Error(`requested ${method} ${requested}`)
    const action = Reflect.get(Object(body), 'action')
    return { body: { paused: action !== 'resume', drain: action === 'drain' } }
  })

const changes = ({ requests }: FakeServer) => requests.filter(({ method }) => method === 'POST')

describe('pause, resume and drain', () => {
  it.each([
    ['pause', 'Paused media/ingest. Running jobs continue.   Undo:  jobsctl resume media/ingest', true, false],
    ['resume', 'Resumed media/ingest.   Undo:  jobsctl pause media/ingest', false, false],
    [
      'drain',
      'Draining media/ingest. Running jobs continue, new jobs are refused.   Undo:  jobsctl resume media/ingest',
      true,
      true,
    ],
  ])(
    '%s: at once, in one call, with a sentence for everyone and an object for programs',
    async (verb, sentence, paused, drain) => {
      const server = await obeying({ paused: verb === 'resume', drain: false })
      const argv = [verb, 'media/ingest']
      const runs = await Promise.all([run(server, argv), run(server, [...argv, '--yes']), run(server, [...argv, '-q'])])
      const [json, lines, person] = await Promise.all([
        run(server, [...argv, '--json']),
        run(server, [...argv, '--ndjson']),
        atTerminal(argv, { env: env(server) }),
      ])
      const expected = { code: 0, out: `${sentence}\n`, err: '' }
      expect(runs).toEqual([expected, expected, { ...expected, out: '' }])
      const object = { operation: verb, domain: 'media', queue: 'ingest', paused, drain }
      expect(json).toEqual({ code: 0, out: `${JSON.stringify(object)}\n`, err: '' })
      expect(lines).toEqual(json)
      expect(person).toMatchObject({ code: 0, screen: `${sentence}\n` })
      expect(person.raw).toContain(`${esc}[32m`)
      expect(changes(server)).toHaveLength(6)
      for (const { body } of changes(server)) expect(body).toEqual({ domain: 'media', queue: 'ingest', action: verb })
    },
  )

  it('sends a reason and a key of its own, and never a confirmation', async () => {
    const server = await obeying()
    await run(server, ['pause', 'media/ingest', '--reason', 'Platte voll ü'])
    await run(server, ['--yes', '--reason=Platte voll ü', 'drain', 'media/ingest'])
    await run(server, ['drain', 'media/ingest'])
    const reasons = changes(server).map(({ headers }) =>
      Buffer.from(String(headers['x-reason']), 'latin1').toString('utf8'),
    )
    expect(reasons).toEqual(['Platte voll ü', 'Platte voll ü', `jobsctl by ${identity}`])
    expect(changes(server).map(({ body }) => Reflect.get(Object(body), 'reason'))).toEqual([
      'Platte voll ü',
      'Platte voll ü',
      undefined,
    ])
    expect(new Set(changes(server).map(({ headers }) => headers['idempotency-key'])).size).toBe(3)
    for (const { headers } of changes(server)) expect(Object.keys(headers)).not.toContain('x-confirm')
  })

  it('the undo goes to the same server, and does not repeat the reason', async () => {
    const server = await obeying()
    const profile = { url: server.url, api_key_file: await secretFile('key') }
    const home = await configHome({ profiles: { 'my prod': profile } })
    const [url, named] = await Promise.all([
      run(server, ['pause', 'media/ingest', '--url', server.url, '--reason', 'disk full'], { JOBSCTL_URL: undefined }),
      runJobsctl(['-p', 'my prod', 'drain', 'media/ingest'], { env: home.env }),
    ])
    expect(url.out).toContain(`Undo:  jobsctl resume media/ingest --url ${server.url}\n`)
    expect(named.out).toContain(`Undo:  jobsctl resume media/ingest --profile 'my prod'\n`)
  })

  it('a protected profile is spelled out', async () => {
    const server = await obeying()
    const prod = { url: server.url, api_key_file: await secretFile('key'), protected: true }
    const { env } = await configHome({ default: 'prod', profiles: { prod } })
    const line = (...more: string[]) => runJobsctl(['pause', 'media/ingest', ...more], { env })

    expect(await line()).toEqual({
      code: 2,
      out: '',
      err: 'error: the profile prod is protected: a change must spell it out; nothing was changed\n  hint: add --profile prod\n',
    })
    expect(server.requests).toEqual([])
    expect(await line('--profile', 'prod')).toMatchObject({ code: 0, err: '' })
  })

  it.each([
    ['media/ingest', 'media', 'ingest'],
    [' media / in gest ', 'media', 'in gest'],
    ['media/a/b', 'media', 'a/b'],
    ['-x/-y', '-x', '-y'],
    [`it's/$(reboot) "ü"`, "it's", '$(reboot) "ü"'],
  ])('the name %j is split at its first slash, and the undo names the same queue', async (word, domain, queue) => {
    const server = await obeying()
    const url = ['--url', server.url]
    const { out } = await run(server, ['pause', ...url, '--', word])
    const [, ...undo] = await wordsOf(out.trim().split('Undo:')[1] ?? '')
    expect(undo[0]).toBe('resume')
    await run(server, undo)
    const bodies = changes(server).map(({ body }) => body)
    expect(bodies).toEqual([{ domain, queue, action: 'pause' }])
  })

  it.each([
    [['pause'], 'pause needs <domain>/<queue>', 'jobsctl pause --help'],
    [['pause', ''], 'the queue must not be blank', 'jobsctl pause media/ingest'],
    [['drain', 'media/ '], 'the queue must not be blank', 'jobsctl drain media/ingest'],
    [['pause', '/ingest'], 'the domain must not be blank', 'jobsctl pause media/ingest'],
    [['pause', `media${esc}[31m/a`], 'the domain must not contain control characters', 'jobsctl pause media/ingest'],
    [['pause', `${'x'.repeat(129)}/a`], 'the domain must be at most 128 characters', 'jobsctl pause media/ingest'],
    [['pause', 'media/ingest', 'mail/default'], 'too many arguments', 'jobsctl pause --help'],
    [['pause', 'media/ingest', '--domain', 'a'], '--domain', 'jobsctl pause --help'],
    [['pause', 'media/ingest', '--dry-run'], '--dry-run: pause acts at once', '--curl'],
    [['resume', 'media/ingest', '-n'], '--dry-run: resume acts at once', '--curl'],
    [['drain', 'media/ingest', '--max', '5'], '--max: drain acts at once', 'leave out --max; jobsctl drain --help'],
    [
      ['drain', 'media/ingest', '--detailed-exitcode', '--yes'],
      '--detailed-exitcode: drain acts at once',
      'leave out --detailed-exitcode',
    ],
  ])('%j is refused with what to type instead, and nothing is sent', async (argv, detail, hint) => {
    const server = await obeying()
    const { code, out, err } = await run(server, argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^error: .+\n {2}hint: .+\n$/)
    expect(err).toContain(detail)
    expect(err).toContain(hint)
    expect(server.requests).toEqual([])
  })

  it('a limit in the environment is for changes that count', async () => {
    const server = await obeying()
    expect(await run(server, ['pause', 'media/ingest'], { JOBSCTL_MAX: '5' })).toMatchObject({ code: 0, err: '' })
  })

  it('--curl prints the call, and sends nothing', async () => {
    const server = await obeying()
    expect(await run(server, ['pause', 'media/ingest', '--reason', 'disk full', '--curl'])).toEqual({
      code: 0,
      out: `curl -X POST "$BASE${path}" \\
  -H "X-API-KEY: $API_KEY" \\
  -H 'X-Reason: disk full' \\
  -H "Content-Type: application/json" \\
  -d '{"domain":"media","queue":"ingest","action":"pause","reason":"disk full"}'
`,
      err: '',
    })
    expect(server.requests).toEqual([])
  })

  it.each<[string, Reply]>([
    ['a broken connection', 'reset'],
    ['503', { status: 503, body: { detail: 'away' } }],
    ['silence', 'silence'],
  ])('is sent once, even after %s', async (_what, trouble) => {
    const server = await fakeServer(() => trouble)
    const argv = ['pause', 'media/ingest', '--url', server.url, '--retries', '5', '--timeout', '2']
    const { code, out, err } = await run(server, argv)
    expect({ code, out }).toEqual({ code: 7, out: '' })
    expect(changes(server)).toHaveLength(1)
    if (typeof trouble === 'string') {
      expect(err).toContain('; the server may still finish it\n')
      expect(err).toContain(`  hint: to see whether it was made: jobsctl queues --url ${server.url}\n`)
    }
  })

  it('says nothing of the kind where nobody listened', async () => {
    const { code, err } = await run(await deadServer(), ['pause', 'media/ingest', '--retries', '0'])
    expect(code).toBe(7)
    expect(err).toContain('connection refused\n  hint: run jobsctl doctor')
  })
})

describe('queues', () => {
  const stopped = [
    { domain: 'media', queue: 'ingest', paused: true, drain: false, updated_at: ago(7300), reason: 'disk full' },
    { domain: 'mail', queue: 'default', paused: true, drain: true, updated_at: ago(90_000), reason: null },
    { domain: 'maps', queue: 'tiles', paused: true, drain: false, updated_at: null },
  ]
  function ago(seconds: number): string {
    return new Date(Date.now() - 1000 * seconds).toISOString()
  }

  it('a table for people, TSV for a pipe, and the answer of the server as JSON', async () => {
    const server = await fakeServer(() => ({ body: stopped }))
    const [table, tsv, json, lines, quiet] = await Promise.all(
      [['-o', 'table'], [], ['--json'], ['--ndjson'], ['-q']].map((more) => run(server, ['queues', ...more])),
    )
    expect(table).toEqual({
      code: 0,
      out: [
        'QUEUE         STATE     SINCE   REASON',
        'media/ingest  paused    2h ago  disk full',
        'mail/default  draining  1d ago',
        'maps/tiles    paused',
        '',
      ].join('\n'),
      err: '',
    })
    expect(tsv?.out).toBe(
      [
        `media\tingest\tpaused\t${stopped[0]?.updated_at}\tdisk full`,
        `mail\tdefault\tdraining\t${stopped[1]?.updated_at}\t`,
        'maps\ttiles\tpaused\t\t',
        '',
      ].join('\n'),
    )
    expect(json).toEqual({ code: 0, out: `${JSON.stringify(stopped)}\n`, err: '' })
    expect(lines?.out).toBe(stopped.map((row) => `${JSON.stringify(row)}\n`).join(''))
    expect(quiet).toEqual({ code: 0, out: '', err: '' })
    for (const { method, path } of server.requests)
      expect({ method, path }).toEqual({ method: 'GET', path: '/api/v1/jobs/queues' })
  })

  it('times in TSV always have milliseconds, whatever fraction the server sends', async () => {
    const times = ['2026-11-20T08:00:00Z', '2026-11-20T08:00:00.1Z', '2026-11-20T08:00:00.123456Z', 'infinity']
    const server = await fakeServer(() => ({ body: times.map((updated_at) => ({ ...stopped[0], updated_at })) }))
    const { out } = await run(server, ['queues'])
    expect(out.split('\n').map((line) => line.split('\t')[3])).toEqual([
      ...['2026-11-20T08:00:00.000Z', '2026-11-20T08:00:00.100Z', '2026-11-20T08:00:00.123Z', 'infinity'],
      undefined,
    ])
  })

  it('the state is yellow, and a hostile reason stays on its line', async () => {
    const reason = `full${esc}[2J${esc}]0;owned\u0007\n\u202e`
    const server = await fakeServer(() => ({ body: [{ ...stopped[0], reason }] }))
    const [person, tsv] = await Promise.all([
      atTerminal(['queues'], { env: env(server), columns: 160 }),
      run(server, ['queues']),
    ])
    expect(person.raw).toContain(`${esc}[33mpaused`)
    expect(person.raw).toContain('full\\x1b[2J\\x1b]0;owned\\x07\\x0a\\u202e')
    expect(tsv.out).toContain('\tfull\\x1b[2J\\x1b]0;owned\\x07 \\u202e\n')
  })

  it('in 60 columns the name of a queue is whole, and a long reason stands below it', async () => {
    const reason = 'the transcoder is broken and nobody knows when it comes back'
    const server = await fakeServer(() => ({
      body: [{ ...stopped[0], domain: 'chatbooks', queue: 'default', reason }],
    }))
    const { screen } = await atTerminal(['queues'], { env: env(server), columns: 60 })
    expect(screen).toMatch(
      /^QUEUE +STATE +SINCE.*\nchatbooks\/default +paused .*\n {4}the transcoder is broken and nobody knows when it comes…\n/,
    )
  })

  it('says so where none is stopped', async () => {
    const server = await fakeServer(() => ({ body: [] }))
    const [table, tsv, json] = await Promise.all(
      [['-o', 'table'], [], ['--json']].map((more) => run(server, ['queues', ...more])),
    )
    expect(table).toEqual({ code: 0, out: '', err: 'no queue is paused or draining\n' })
    expect(tsv).toEqual({ code: 0, out: '', err: '' })
    expect(json).toEqual({ code: 0, out: '[]\n', err: '' })
  })

  it('--curl prints the call, and sends nothing', async () => {
    const server = await fakeServer(() => ({ body: stopped }))
    const { code, out } = await run(server, ['queues', '--curl'])
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringContaining('curl -X GET "$BASE/api/v1/jobs/queues"'),
    })
    expect(server.requests).toEqual([])
  })
})
