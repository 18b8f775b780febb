import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type FakeServer, fakeServer, jobsAnswer, previewOf } from '../../support/fakes/fake-server.ts'
import { until } from '../../support/poll.ts'
import { built } from '../../support/programs/built.ts'
import { type JobsctlOptions, runJobsctl, startJobsctl } from '../../support/programs/jobsctl.ts'
import { shell } from '../../support/programs/shell.ts'
import { atTerminal, ctrlC, startAtTerminal } from '../../support/programs/terminal.ts'

const group = (domain: string, more: object = {}) => ({
  ...{ domain, queue: 'default', job_type: 'export' },
  ...{ queued: 0, scheduled: 0, processing: 0, quarantined: 0, ...more },
})
const rows = [
  group('chatbooks', { queued: 1204, scheduled: 12, processing: 8, quarantined: 3 }),
  group('chatbooks', { job_type: 'import', processing: 1 }),
  group('chatbooks', { queue: 'low', queued: 37, processing: 2 }),
]

const serving = (body: unknown, headers: Record<string, string> = {}) => fakeServer(() => ({ body, headers }))
const env = ({ url }: FakeServer, more: JobsctlOptions['env'] = {}) => ({
  JOBSCTL_URL: url,
  JOBSCTL_API_KEY: 'the-secret-key',
  ...more,
})
const stats = (server: FakeServer, argv: string[] = [], more: Record<string, string> = {}) =>
  runJobsctl(['stats', ...argv], { env: env(server, more) })

const esc = '\u001b'

describe('the form of results', () => {
  it('has a short flag for each form that programs read, in every command', async () => {
    const server = await serving(rows)
    for (const form of ['tsv', 'json', 'ndjson'])
      expect(await stats(server, [`--${form}`]), form).toEqual(await stats(server, ['--output', form]))
    const { code, err } = await stats(server, ['--tsv', '--json'])
    expect([code, err]).toEqual([2, expect.stringContaining('--output, --json, --ndjson and --tsv exclude each other')])
  })

  it('a table for people: dim capitals, numbers grouped and on the right, and what to type next', async () => {
    const server = await serving(rows)
    const [pipe, person] = await Promise.all([
      stats(server, ['--domain', 'chatbooks', '-o', 'table']),
      atTerminal(['stats', '--domain', 'chatbooks'], { env: env(server) }),
    ])
    const table = [
      'QUEUE              TYPE    QUEUED  SCHEDULED  PROCESSING  QUARANTINED',
      'chatbooks/default  export   1,204         12           8            3',
      'chatbooks/default  import       0          0           1            0',
      'chatbooks/low      export      37          0           2            0',
      '',
    ].join('\n')
    const next = '\n1,241 queued, 11 processing, 3 quarantined: jobsctl requeue --domain chatbooks --dry-run\n'
    expect(pipe).toEqual({ code: 0, out: table, err: next })
    expect(person).toMatchObject({ code: 0, screen: table + next })
    expect(person.raw).toContain(`${esc}[2mQUEUE`)
  })

  it('TSV for a pipe: no header, no grouping, every column, nothing cut', async () => {
    const long = 'x'.repeat(120)
    const server = await serving([...rows, group(long)])
    expect(await stats(server)).toEqual({
      code: 0,
      out: [
        'chatbooks\tdefault\texport\t1204\t12\t8\t3',
        'chatbooks\tdefault\timport\t0\t0\t1\t0',
        'chatbooks\tlow\texport\t37\t0\t2\t0',
        `${long}\tdefault\texport\t0\t0\t0\t0`,
        '',
      ].join('\n'),
      err: '',
    })
  })

  it("JSON is the server's own answer: compact in a pipe, pretty at a terminal, a line each as ndjson", async () => {
    const answer = rows.map((row) => ({ ...row, oldest: 'ä 🙃' }))
    const server = await serving(answer)
    const [json, output, variable, lines, person] = await Promise.all([
      stats(server, ['--json']),
      stats(server, ['-o', 'json']),
      stats(server, [], { JOBSCTL_OUTPUT: 'json' }),
      stats(server, ['--ndjson'], { JOBSCTL_OUTPUT: 'table' }),
      atTerminal(['stats', '--json'], { env: env(server) }),
    ])
    const compact = { code: 0, out: `${JSON.stringify(answer)}\n`, err: '' }
    expect([json, output, variable]).toEqual([compact, compact, compact])
    expect(lines).toEqual({ ...compact, out: answer.map((row) => `${JSON.stringify(row)}\n`).join('') })
    expect(person).toMatchObject({ code: 0, screen: `${JSON.stringify(answer, undefined, 2)}\n` })
  })

  it('nothing in a pipe where there is nothing; a sentence on stderr for a person; an empty list as JSON', async () => {
    const server = await serving([])
    const [pipe, table, json, lines] = await Promise.all([
      stats(server, ['--domain', 'a']),
      stats(server, ['--domain', 'a', '--queue', 'b', '-o', 'table']),
      stats(server, ['--json']),
      stats(server, ['--ndjson']),
    ])
    expect(pipe).toEqual({ code: 0, out: '', err: '' })
    expect(table).toEqual({ code: 0, out: '', err: 'no jobs in a/b\nnote: no job was ever in a/b\n' })
    expect(json).toEqual({ code: 0, out: '[]\n', err: '' })
    expect(lines).toEqual({ code: 0, out: '', err: '' })
  })

  it('a table fits the width of the terminal, and keeps its numbers', async () => {
    const server = await serving([group('d'.repeat(90), { queued: 1234567 }), group('漢字'.repeat(20), { queued: 5 })])
    const [narrow, wide] = await Promise.all(
      [80, 200].map((columns) => atTerminal(['stats'], { env: env(server), columns })),
    )
    const lines = (screen = '') => screen.split('\n').filter((line) => /QUEUE|,567|漢|dd/.test(line))
    expect(lines(narrow?.screen)).toHaveLength(3)
    for (const line of lines(narrow?.screen)) expect(columnsOf(line)).toBeLessThanOrEqual(80)
    expect(lines(narrow?.screen)[1]).toMatch(/ 1,234,567$/)
    expect(narrow?.screen).toContain('…')
    expect(wide?.screen).toContain(`${'d'.repeat(59)}…`)
  })

  it.each([59, 50, 40])('in a terminal of %i columns titles and names are cut, and no number is', async (columns) => {
    const server = await serving([...rows, group('d'.repeat(90))])
    const { screen } = await atTerminal(['stats'], { env: env(server), columns })
    const table = screen.split('\n').slice(0, 5)
    expect(Math.max(...table.map((line) => columnsOf(line)))).toBeLessThanOrEqual(columns)
    expect(table[1]).toMatch(/ 1,204 +12 +8 +3$/)
  })

  it('in a terminal of 60 columns columns of zeros go, titles are cut, and what names a row is whole', async () => {
    const names = ['embeddings/default', 'chatbooks/low', 'reports/nightly']
    const groups = names.map((name) => {
      const [domain = '', queue] = name.split('/')
      return group(domain, { queue, job_type: 'receipts', queued: 240, processing: 30, quarantined: 15 })
    })
    const stopped = [
      { domain: 'reports', queue: 'nightly', paused: true, drain: false, updated_at: null, reason: null },
    ]
    const server = await fakeServer(({ path }) => ({ body: path.startsWith('/api/v1/jobs/stats') ? groups : stopped }))
    const { screen } = await atTerminal(['stats'], { env: env(server), columns: 60 })
    const [head = '', ...lines] = screen.split('\n').slice(0, 4)
    expect(head).toMatch(/^QUEUE +TYPE +QUEU.* +PROC +QUAR +STATE$/)
    expect(lines).toEqual(names.map((name) => expect.stringMatching(new RegExp(`^${name} +receipts +240 +30 +15`))))
    expect(lines[2]).toMatch(/ paused$/)
    expect(lines.slice(0, 2).join()).not.toContain('paused')
    for (const line of [head, ...lines]) expect(line.length).toBeLessThanOrEqual(60)
    const wide = await atTerminal(['stats'], { env: env(server), columns: 100 })
    expect(wide.screen).toMatch(/^QUEUE +TYPE +QUEUED +SCHEDULED +PROCESSING +QUARANTINED +STATE\n/)
  })

  const broken = { non_processing_with_lease: 3, processing_expired: 1, fixed: 0 }
  it('integrity: the table of the manual, and the command that repairs', async () => {
    const server = await serving({ ...broken, preview: previewOf(4) })
    expect(await runJobsctl(['integrity', '--all', '-o', 'table'], { env: env(server) })).toEqual({
      code: 0,
      out: [
        'CHECK                                    JOBS',
        'lease held by a job that is not running     3',
        'running job whose lease has expired         1',
        '',
      ].join('\n'),
      err: '\n4 jobs break an invariant. To repair:  jobsctl integrity --all --fix\n',
    })
  })
})

/** The width of a line at a terminal: the signs of this test are two columns wide. */
const columnsOf = (line: string) => [...line].reduce((sum, sign) => sum + (sign > '\u2e80' ? 2 : 1), 0)

describe('what a server sent', () => {
  const evil = `a${esc}[2J${esc}]0;owned\u0007\u009b31m\u202egnp\u2066\tb\nc\r\u0000\u007f`

  it('never reaches a terminal as a control: not in a table, not in TSV, not in JSON', async () => {
    const server = await serving([group(evil)])
    const [table, tsv, json, person] = await Promise.all([
      stats(server, ['-o', 'table', '--color', 'never']),
      stats(server),
      stats(server, ['--json']),
      atTerminal(['stats', '--color', 'never'], { env: env(server) }),
    ])
    for (const { out } of [table, tsv, json]) {
      expect(obeyed(out.replaceAll('\t', ''))).toEqual([])
      expect(out.trimEnd().split('\n').length).toBeLessThanOrEqual(2)
    }
    expect(obeyed(person.raw.replaceAll('\r\n', '\n'))).toEqual([])
    expect(person.raw).toContain('\\x1b')
    expect(tsv.out.split('\t')).toHaveLength(7)
    expect(tsv.out).toContain('\\x1b[2J\\x1b]0;owned\\x07')
    const [row]: unknown[] = JSON.parse(json.out)
    expect(row).toMatchObject({ domain: evil })
  })

  it('is escaped in errors, hints, request ids and traces too', async () => {
    const body = { detail: evil, hint: evil, request_id: evil, code: 'conflict' }
    const server = await fakeServer(() => ({ status: 409, body }))
    const [text, json, debug] = await Promise.all([
      stats(server),
      stats(server, ['--json']),
      stats(server, ['--debug']),
    ])
    for (const { err } of [text, json, debug]) expect(obeyed(err)).toEqual([])
    const { error }: { error: unknown } = JSON.parse(json.err)
    expect(error).toMatchObject({ hint: evil, request_id: evil })
  })

  it('cannot add lines of its own to an error', async () => {
    const body = { detail: 'no\n  hint: jobsctl prune --all --yes', code: 'conflict' }
    const server = await fakeServer(() => ({ status: 409, body }))
    const { err } = await stats(server)
    expect(err.split('\n').filter((line) => line !== '')).toHaveLength(1)
  })
})

/** The characters that a terminal obeys, beside the end of a line. */
const obeyed = (text: string): string[] =>
  [...text].filter((sign) => sign !== '\n' && /[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/u.test(sign))

describe('colour', () => {
  it.each([
    ['a pipe', [], {}, false],
    ['--color always', ['--color', 'always'], { NO_COLOR: '1' }, true],
    ['--color never', ['--color', 'never'], { FORCE_COLOR: '1' }, false],
    ['FORCE_COLOR', [], { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0', [], { FORCE_COLOR: '0' }, false],
    ['NO_COLOR before FORCE_COLOR', [], { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['an empty NO_COLOR, which is not set', [], { NO_COLOR: '', FORCE_COLOR: '1' }, true],
  ])('in a pipe with %s', async (_what, argv, more, coloured) => {
    const server = await serving(rows)
    const { out } = await stats(server, ['-o', 'table', ...argv], more)
    expect(out.includes(`${esc}[`)).toBe(coloured)
    expect(out).toContain('QUARANTINED')
  })

  it.each([
    ['nothing set', [], {}, true],
    ['an empty NO_COLOR, which is not set', [], { NO_COLOR: '' }, true],
    ['NO_COLOR', [], { NO_COLOR: '1' }, false],
    ['--color never', ['--color', 'never'], {}, false],
    ['--color auto and NO_COLOR', ['--color', 'auto'], { NO_COLOR: '1' }, false],
    ['TERM=dumb', [], { TERM: 'dumb' }, false],
  ])('at a terminal with %s', async (_what, argv, more, coloured) => {
    const server = await serving(rows)
    const { raw } = await atTerminal(['stats', ...argv], { env: env(server, more) })
    expect(raw.includes(`${esc}[`)).toBe(coloured)
    expect(raw).toContain('QUARANTINED')
  })

  it('is decided for each stream: an error is red at a terminal, and plain in a pipe', async () => {
    const server = await fakeServer(() => ({ status: 500, body: { detail: 'boom' } }))
    const [person, pipe] = await Promise.all([atTerminal(['stats'], { env: env(server) }), stats(server)])
    expect(person.raw).toContain(`${esc}[31merror:${esc}[39m boom`)
    expect(pipe.err).toMatch(/^error: boom\n/)
  })
})

describe('quiet, verbose and debug', () => {
  it('--quiet: nothing on success, and errors all the same', async () => {
    const server = await fakeServer(({ path }) =>
      path.includes('stats') ? { body: rows } : { body: { detail: 'boom' }, status: 500 },
    )
    const [quiet, table, failing] = await Promise.all([
      stats(server, ['-q']),
      stats(server, ['-q', '-o', 'table']),
      runJobsctl(['integrity', '-q'], { env: env(server) }),
    ])
    expect([quiet, table]).toEqual(Array(2).fill({ code: 0, out: '', err: '' }))
    expect(failing).toMatchObject({ code: 1, err: expect.stringContaining('error: boom') })
  })

  it('--verbose: a line per request on stderr', async () => {
    const server = await serving(rows, { 'x-request-id': 'req-9' })
    const { out, err } = await stats(server, ['-v', '--domain', 'a b'])
    expect(err).toMatch(/^< GET \/api\/v1\/jobs\/stats\?domain=a\+b 200 \d+ ms request=req-9\n$/)
    expect(out).toBe((await stats(server)).out)
  })

  it.each([
    ['--debug', ['--debug'], {}],
    ['JOBSCTL_DEBUG=http', [], { JOBSCTL_DEBUG: 'http' }],
    ['--verbose', ['--verbose'], {}],
  ])('%s shows no secret, not even when the server sends it back', async (name, argv, more) => {
    const echo = await fakeServer(({ headers }) => ({
      headers: {
        'x-echo': String(headers['x-api-key'] ?? headers.authorization),
        'set-cookie': 'session=cookie-secret',
      },
      body: [group('a', { echo: headers })],
    }))
    const token = { JOBSCTL_API_KEY: undefined, JOBSCTL_TOKEN: 'the-secret-token' }
    const runs = await Promise.all([
      runJobsctl(['stats', ...argv], { env: env(echo, more) }),
      runJobsctl(['stats', ...argv], { env: env(echo, { ...more, ...token }) }),
    ])
    for (const { code, out, err } of runs) {
      expect(code).toBe(0)
      expect(out + err).not.toMatch(/the-secret|cookie-secret/)
      expect(err).toContain('GET /api/v1/jobs/stats')
    }
    const masked = runs.map(({ err }) => /^> (x-api-key|authorization): \*\*\*$/im.test(err))
    expect(masked).toEqual(name === '--verbose' ? [false, false] : [true, true])
    expect(echo.requests.map(({ headers }) => headers['x-api-key'] ?? headers.authorization).sort()).toEqual([
      'Bearer the-secret-token',
      'the-secret-key',
    ])
  })

  it.each([
    ['a key', { JOBSCTL_API_KEY: 'the-secret-key' }],
    ['a token', { JOBSCTL_API_KEY: undefined, JOBSCTL_TOKEN: 'the-secret-token' }],
  ])('an error shows no secret either, where the server repeats %s', async (_what, more) => {
    const server = await fakeServer(({ headers }) => {
      const echo = `Invalid: ${headers['x-api-key'] ?? headers.authorization}`
      const body = { detail: echo, hint: echo, request_id: echo, code: 'unauthenticated' }
      return { status: 401, body, headers: { 'x-request-id': echo } }
    })
    const given = env(server, more)
    const runs = await Promise.all([[], ['--json']].map((argv) => runJobsctl(['stats', ...argv], { env: given })))
    for (const { code, err } of runs) {
      expect(code).toBe(4)
      expect(err).toMatch(/Invalid: (Bearer )?\*\*\*/)
      expect(err).not.toContain('the-secret')
    }
  })

  it('--debug shows no token of a preview: whoever has it may make the change', async () => {
    const server = await fakeServer(() => jobsAnswer(2))
    const argv = ['prune', '--all', '--yes', '--debug']
    const { code, err } = await runJobsctl(argv, { env: env(server) })
    expect(code).toBe(0)
    expect(err).toContain('"preview_token":"***"')
    expect(err).toContain('"token":"***"')
    expect(err).not.toContain('token-of-2')
  })

  it('a reader that closes early is no failure', async () => {
    const server = await serving(Array.from({ length: 20_000 }, (_, at) => group(`domain-${at}`)))
    const program = `'${process.execPath}' '${built.jobsctl}' stats`
    const { out, err } = await shell(`{ ${program}; echo "exit $?" >&2; } | head -n 1`, { env: env(server) })
    expect({ out, err }).toEqual({ out: 'domain-0\tdefault\texport\t0\t0\t0\t0\n', err: 'exit 0\n' })
  })

  it('a reader that is slow gets everything', async () => {
    const server = await serving(Array.from({ length: 20_000 }, (_, at) => group(`domain-${at}`)))
    const program = `'${process.execPath}' '${built.jobsctl}' stats`
    const { out } = await shell(`${program} | { sleep 0.3; cat; } | wc -l`, { env: env(server) })
    expect(out.trim()).toBe('20000')
  })
})

describe('--watch', () => {
  it('needs a terminal or --ndjson', async () => {
    const server = await serving(rows)
    const runs = await Promise.all([stats(server, ['--watch']), stats(server, ['--watch', '--json'])])
    for (const run of runs) {
      expect(run).toEqual({ code: 2, out: '', err: expect.stringContaining('--watch needs a terminal, or --ndjson') })
    }
    expect(server.requests).toEqual([])
    for (const argv of [['list'], ['workers'], ['list', '--tsv']])
      expect(await runJobsctl([...argv, '--watch'], { env: env(server) })).toMatchObject({
        ...{ code: 2, out: '', err: expect.stringContaining('--watch needs a terminal, or --ndjson') },
      })
    for (const flag of ['--ids', '--all-pages', '--payload'])
      expect(await runJobsctl(['list', '--watch', '--ndjson', flag], { env: env(server) })).toMatchObject({
        ...{ code: 2, err: expect.stringContaining(`--watch and ${flag} exclude each other`) },
      })
    expect(server.requests).toEqual([])
  })

  it.each(['dumb', ''])('needs a terminal that moves its cursor, and TERM is %j', async (TERM) => {
    const server = await serving(rows)
    const run = await atTerminal(['stats', '--watch'], { env: { ...env(server), TERM }, endsAfter: 20 })
    expect(run).toMatchObject({ code: 2, screen: expect.stringContaining(`TERM is ${TERM || 'not set'}`) })
    expect(server.requests).toEqual([])
  })

  it('shows jobs and workers again and again, as a screen and as lines with their time', async () => {
    const numbers = { priority: 5, retry_count: 0, max_retries: 3 }
    const noTimes = { available_at: null, acquired_at: null, started_at: null, leased_until: null, completed_at: null }
    const place = { domain: 'chatbooks', queue: 'default', job_type: 'export', status: 'queued' }
    const jobs = Array.from({ length: 30 }, (_, at) => ({
      ...{ id: at + 1, uuid: null, ...place, ...numbers, ...noTimes, created_at: '2026-11-30T10:00:00Z' },
      worker_id: 'w\u001b[2J\u202e',
    }))
    const asked = ['2026-11-30T10:00:00Z', null, null] as const
    const [oldest_lease_at, last_acquired_at, last_renewed_at] = asked
    const times = { oldest_lease_at, last_asked_at: null, last_acquired_at, last_renewed_at }
    const workers = [
      { worker_id: 'w\u001b[2J', leases: 2, expired: 1, ...times, done_15m: 0, failed_15m: 0, queues: [] },
    ]
    const server = await fakeServer(({ path }) => ({ body: path.includes('/workers') ? workers : jobs }))
    for (const [argv, seen, below] of [
      [['list', '--domain', 'chatbooks'], 'and \\d+ more jobs', ''],
      [['workers'], 'w\\\\x1b\\[2J', '1 worker, 2 leases'],
    ] as const) {
      const person = await startAtTerminal([...argv, '--watch'], { env: env(server), columns: 80, rows: 12 })
      await person.sees(argv[0] === 'list' ? 'more jobs' : below)
      person.types(ctrlC)
      const { code, raw } = await person.ended
      expect(code).toBe(130)
      const [, frame = ''] = raw.split(`${esc}[H`)
      const lines = stripVTControlCharacters(frame).split('\r\n')
      expect(lines.join('\n')).toMatch(new RegExp(seen))
      expect(lines.length).toBeLessThanOrEqual(12)
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
      const child = await startJobsctl([...argv, '--watch', '--ndjson'], { env: env(server) })
      await until('it has looked', () => child.output.out.includes('\n'))
      child.process.kill('SIGINT')
      const { code: ended, out } = await child.ended
      expect(ended).toBe(130)
      expect(JSON.parse(out.split('\n')[0] ?? '')).toMatchObject({ at: expect.stringMatching(/^\d{4}-/) })
    }
    const columns = await startAtTerminal(['list', '--watch', '--columns', 'id'], { env: env(server) })
    expect(await columns.ended).toMatchObject({
      code: 2,
      screen: expect.stringContaining('--watch and --columns exclude'),
    })
  })

  it('as ndjson: a line with its time for every group, again and again, until SIGINT ends it with 130', async () => {
    const server = await serving(rows)
    const child = await startJobsctl(['stats', '--watch', '--ndjson'], { env: env(server) })
    await until('it has looked twice', () => child.output.out.split('\n').length > 6)
    child.process.kill('SIGINT')

    const { code, out } = await child.ended
    expect(code).toBe(130)
    const lines: unknown[] = out
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(lines[0]).toEqual({ at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), ...rows[0] })
  })

  it('at a terminal: until Ctrl-C ends it with 130', async () => {
    const server = await serving(rows)
    const person = await startAtTerminal(['stats', '--watch'], { env: env(server) })
    await person.sees('QUARANTINED')
    person.types(ctrlC)
    expect((await person.ended).code).toBe(130)
  })

  it('at a terminal the busiest groups are clipped to the screen, and Ctrl-C ends it without a word', async () => {
    const many = Array.from({ length: 40 }, (_, at) => group(`domain-${at}`, { queued: at }))
    const server = await serving([...many, group('a-long-name', { queued: 3, quarantined: 1_000_000 })])
    for (const size of [
      { columns: 60, rows: 10 },
      { columns: 100, rows: 24 },
    ]) {
      const person = await startAtTerminal(['stats', '--watch'], { env: env(server), ...size })
      await person.sees('more groups with fewer jobs')
      await person.sees('--dry-run')
      person.types(ctrlC)
      const { code, raw, screen } = await person.ended
      expect(code).toBe(130)
      const [, frame = ''] = raw.split(`${esc}[H`)
      const lines = stripVTControlCharacters(frame).split('\r\n')
      expect(lines.length).toBeLessThanOrEqual(size.rows)
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(size.columns)
      expect(lines[3]).toMatch(/^a-long-name/)
      expect(lines[4]).toMatch(/^domain-39/)
      expect(frame).toMatch(/and \d+ more groups with fewer jobs/)
      expect(screen).not.toContain('error')
      expect(screen.trimEnd()).toMatch(/\^C$/)
    }
  })

  it('waits for a server that is away for a while', async () => {
    const server = await fakeServer((_, nth) =>
      nth === 1 ? { status: 503, body: { detail: 'away' } } : { body: rows },
    )
    const child = await startJobsctl(['stats', '--watch', '--ndjson', '--retries', '0'], { env: env(server) })
    await until('it has reached the server again', () => child.output.out.includes('chatbooks'))
    child.process.kill('SIGTERM')
    expect(await child.ended).toMatchObject({ code: 143, err: expect.stringContaining('away; trying again\n') })
  })
})
