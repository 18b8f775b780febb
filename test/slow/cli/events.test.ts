import { describe, expect, it } from 'vitest'
import { eventServer, type FakeEvent, step, steps } from '../../support/fakes/event-server.ts'
import { deadServer, type FakeServer, fakeServer, type Reply } from '../../support/fakes/fake-server.ts'
import { until } from '../../support/poll.ts'
import { built } from '../../support/programs/built.ts'
import { type JobsctlOptions, runJobsctl, startJobsctl } from '../../support/programs/jobsctl.ts'
import { shell } from '../../support/programs/shell.ts'
import { atTerminal, ctrlC, startAtTerminal } from '../../support/programs/terminal.ts'

const esc = '\u001b'
const env = ({ url }: { url: string }, more: JobsctlOptions['env'] = {}) => ({
  JOBSCTL_URL: url,
  JOBSCTL_API_KEY: 'key',
  ...more,
})
const run = (server: FakeServer, ...argv: string[]) => runJobsctl(['events', ...argv], { env: env(server) })
const start = (server: { url: string }, ...argv: string[]) =>
  startJobsctl(['events', '--follow', ...argv], { env: env(server) })

/** The first column of TSV. */
const idsOf = (out: string) =>
  out
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(line.split('\t')[0]))
const idsFrom = (log: FakeEvent[], at: number, to?: number) => log.slice(at, to).map(({ id }) => id)

const attrs = { retry_count: 2, error_code: 'timeout', why: 'disk "a" full', at: { host: 1 }, none: null }
const some = [
  step(1),
  step(2, 'job.failed', { attrs, queue: 'low' }),
  step(4, 'jobs.pruned', { job_id: null, queue: null, job_type: null, attrs: null, request_id: 'req-7' }),
]

describe('the form of events', () => {
  it('a table for people: times in UTC, ids that are names, and what is known of it on one line', async () => {
    const server = await eventServer(some)
    expect(await run(server, '-o', 'table')).toEqual({
      code: 0,
      out: [
        '2026-11-24 UTC',
        'ID  TIME      EVENT        QUEUE              TYPE    JOB   DETAIL',
        '1   12:00:01  job.created  chatbooks/default  export  8001',
        '2   12:00:02  job.failed   chatbooks/low      export  8002  retry_count=2 error_code=timeout why="disk \\"a\\" full" at={"host":1} none=null',
        '4   12:00:04  jobs.pruned  chatbooks',
        '',
      ].join('\n'),
      err: '',
    })
  })

  it('TSV for a pipe, and the answer of the server as JSON', async () => {
    const server = await eventServer(some)
    const [tsv, json, lines, quiet] = await Promise.all([
      run(server),
      run(server, '--json'),
      run(server, '--ndjson'),
      run(server, '-q'),
    ])
    expect(tsv).toEqual({
      code: 0,
      out: [
        '1\t2026-11-24T12:00:01.000Z\tjob.created\tchatbooks\tdefault\texport\t8001\t{}',
        `2\t2026-11-24T12:00:02.000Z\tjob.failed\tchatbooks\tlow\texport\t8002\t${JSON.stringify(attrs)}`,
        '4\t2026-11-24T12:00:04.000Z\tjobs.pruned\tchatbooks\t\t\t\tnull',
        '',
      ].join('\n'),
      err: '',
    })
    expect(json).toEqual({ code: 0, out: `${JSON.stringify(some)}\n`, err: '' })
    expect(lines).toEqual({ code: 0, out: some.map((row) => `${JSON.stringify(row)}\n`).join(''), err: '' })
    expect(quiet).toEqual({ code: 0, out: '', err: '' })
  })

  it('an event of another server may lack all that is no key', async () => {
    const server = await eventServer([
      { id: 7, event_type: 'job.created', attrs: null },
      step(8, 'x', { attrs: 'as text' }),
    ])
    const [tsv, table] = await Promise.all([run(server), run(server, '-o', 'table')])
    expect(tsv.out.split('\n')[0]).toBe('7\t\tjob.created\t\t\t\t\tnull')
    expect(table).toMatchObject({ code: 0, out: expect.stringMatching(/ {2}8008 {2}"as text"\n$/) })
  })

  it('says so where there is none', async () => {
    const server = await eventServer([])
    const [table, scoped, tsv, json] = await Promise.all([
      run(server, '-o', 'table'),
      run(server, '--domain', 'media', '--queue', 'q', '-o', 'table'),
      run(server),
      run(server, '--json'),
    ])
    expect(table).toEqual({ code: 0, out: '', err: 'no events in any domain\n' })
    expect(scoped).toEqual({ code: 0, out: '', err: 'no events in media/q\n' })
    expect(tsv).toEqual({ code: 0, out: '', err: '' })
    expect(json).toEqual({ code: 0, out: '[]\n', err: '' })
  })

  it('colours: red failed, yellow needs attention, green done', async () => {
    const types = ['failed', 'quarantined', 'retry_scheduled', 'cancelled', 'lease_expired', 'completed', 'acquired']
    const server = await eventServer(types.map((type, at) => step(at + 1, `job.${type}`)))
    const { raw } = await atTerminal(['events'], { env: env(server), columns: 140 })
    const colours = types.map((type) => new RegExp(`${esc}\\[(\\d+)mjob\\.${type}`).exec(raw)?.[1])
    expect(colours).toEqual(['31', '31', '33', '33', '33', '32', undefined])
  })

  it('a long detail stands below its event, with reason, affected and operation first, and the date once a day', async () => {
    const attrs = { zebra: 'z'.repeat(300), affected: 569, operation: 12, reason: 'the disk of the replica is full' }
    const none = { job_id: null, job_type: null, queue: null }
    const server = await eventServer([
      step(1, 'jobs.pruned', { ...none, attrs }),
      step(2),
      step(3, 'job.completed', { created_at: '2026-11-25T00:00:01Z' }),
    ])
    for (const columns of [60, 80, 100, 200]) {
      const { screen } = await atTerminal(['events', '--color', 'never'], { env: env(server), columns })
      const lines = screen.trimEnd().split('\n')
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns)
      expect(lines).toMatchObject([
        '2026-11-24 UTC',
        expect.stringMatching(/^ID +TIME +EVENT +QUEUE +TYPE +JOB/),
        expect.stringMatching(/^1 +12:00:01 +jobs\.pruned +chatbooks$/),
        expect.stringMatching(/^ {4}reason="the disk of the replica is full" affected=569/),
        expect.stringMatching(/^2 +12:00:02 +job\.created +chatbooks\/default +export +8002/),
        '2026-11-25 UTC',
        expect.stringMatching(/^3 +00:00:01 +job\.completed /),
      ])
      expect(lines[3]?.includes(' operation=12')).toBe(columns > 60)
    }
  })

  it.each([
    [80, ['ID', 'TIME', 'EVENT', 'QUEUE', 'TYPE', 'JOB', 'DETAIL'], undefined],
    [60, ['ID', 'TIME', 'EVENT', 'QUEUE', 'JOB'], 'no room for type:'],
    [40, ['ID', 'TIME', 'EVENT', 'JOB'], 'no room for queue, type:'],
  ])(
    'in a terminal of %i columns what has no room is left out, and the head stands again',
    async (columns, titles, note) => {
      const server = await eventServer(steps(50).map(({ id }) => step(id, 'job.lease_expired')))
      const options = { env: env(server), columns, rows: 24 }
      const whole = await atTerminal(['events', '--color', 'never'], options)
      const lines = whole.screen.trimEnd().split('\n')
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns)
      const heads = lines.flatMap((line, at) => (line.startsWith('ID') ? [at] : []))
      const [first = 0] = heads
      expect(heads).toEqual([first, first + 23, first + 46])
      expect(lines[first]?.split(/ +/)).toEqual(titles)
      expect(/no room for .*?:/.exec(lines.slice(0, first).join(' '))?.[0]).toBe(note)

      const person = await startAtTerminal(['events', '--follow', '--limit', '30', '--color', 'never'], options)
      await person.sees('8150')
      person.types(ctrlC)
      const { screen } = await person.ended
      expect(screen.split('\n').filter((line) => line.startsWith('ID'))).toHaveLength(2)
    },
  )

  it('a short detail stands beside its event', async () => {
    const server = await eventServer([step(1, 'job.retry_scheduled', { attrs: { retry_count: 2 } })])
    const { screen } = await atTerminal(['events', '--color', 'never'], { env: env(server), columns: 100 })
    expect(screen.split('\n')[2]).toMatch(/8001 {2}retry_count=2$/)
  })

  it('what a server sent never reaches a terminal as a control, and stays JSON in a cell', async () => {
    const evil = `a${esc}[2J${esc}]0;owned\u0007\u009b31m\u202egnp\tb\nc`
    const server = await eventServer([
      step(1, evil, { job_type: evil, attrs: { [evil]: evil, list: [evil] }, created_at: evil }),
    ])
    const [person, tsv, lines] = await Promise.all([
      atTerminal(['events', '--color', 'never'], { env: env(server), columns: 400 }),
      run(server),
      run(server, '--ndjson'),
    ])
    const obeyed = /(?![\n\t])[\p{Cc}\u202e]/u
    for (const text of [person.raw.replaceAll('\r\n', '\n'), tsv.out, lines.out]) expect(text).not.toMatch(obeyed)
    expect(person.screen.trimEnd().split('\n')).toHaveLength(2)
    expect(tsv.out.trimEnd().split('\n')).toHaveLength(1)
    expect(tsv.out.split('\t')).toHaveLength(8)
    expect(JSON.parse(tsv.out.split('\t')[7] ?? '')).toEqual({ [evil]: evil, list: [evil] })
    expect(JSON.parse(lines.out)).toMatchObject({ event_type: evil })
  })
})

describe('which events', () => {
  it('the last 50, or the last --limit, in their order', async () => {
    const log = steps(700)
    const server = await eventServer(log)
    const [fifty, three, all, json] = await Promise.all([
      run(server),
      run(server, '--limit', '3'),
      run(server, '--limit', '1000'),
      run(server, '--limit', '2', '--json'),
    ])
    expect(idsOf(fifty.out)).toEqual(idsFrom(log, -50))
    expect(idsOf(three.out)).toEqual(idsFrom(log, -3))
    expect(idsOf(all.out)).toEqual(idsFrom(log, 0))
    expect(json.out).toBe(`${JSON.stringify(log.slice(-2))}\n`)
  })

  it('of a scope, which goes with every call', async () => {
    const log = steps(40).map((event, at) => (at % 4 === 0 ? { ...event, domain: 'media' } : event))
    const server = await eventServer(log)
    const { out } = await run(server, '--domain', 'media', '--queue', 'a b', '--job-type', 'x', '--limit', '4')
    expect(idsOf(out)).toEqual(
      log
        .filter(({ domain }) => domain === 'media')
        .slice(-4)
        .map(({ id }) => id),
    )
    for (const { path } of server.requests)
      expect(path).toMatch(/\?domain=media&queue=a\+b&job_type=x&after_id=\d+&limit=\d&partial=true$/)
  })

  it('--after: all that follow, page by page, or as many as --limit says', async () => {
    const log = steps(1300)
    const server = await eventServer(log)
    const [all, some, none, json] = await Promise.all([
      run(server, '--after', '30'),
      run(server, '--after', '31', '--limit', '2'),
      run(server, '--after', '3900'),
      run(server, '--after', '3', '--json'),
    ])
    expect(idsOf(all.out)).toEqual(idsFrom(log, 10))
    expect(idsOf(some.out)).toEqual([33, 36])
    expect(none).toEqual({ code: 0, out: '', err: '' })
    expect(JSON.parse(json.out)).toEqual(log.slice(1))
  })

  it('--after asks from there, for what it shows, and for one event more to tell whether more follow', async () => {
    const server = await eventServer(steps(10))
    await run(server, '--after', '15', '--limit', '3')
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/api/v1/jobs/events?after_id=15&limit=3&partial=true',
      '/api/v1/jobs/events?after_id=24&limit=1&partial=true',
    ])
  })

  it('--since: all that are not older, page by page, or the first --limit of them', async () => {
    const at = (id: number, seconds: number) =>
      step(id, 'x', { created_at: new Date(Date.now() - 1000 * seconds).toISOString() })
    const log = Array.from({ length: 1500 }, (_, n) => at(2 * n + 1, n < 600 ? 90_000 - n : 2000 - n))
    const server = await eventServer(log)
    const [hour, two, ages, none] = await Promise.all([
      run(server, '--since', '1h'),
      run(server, '--since', '1h', '--limit', '2'),
      run(server, '--since', '52w'),
      run(server, '--since', '60s'),
    ])
    expect(idsOf(hour.out)).toEqual(idsFrom(log, 600))
    expect(idsOf(two.out)).toEqual(idsFrom(log, 600, 602))
    expect(idsOf(ages.out)).toEqual(idsFrom(log, 0))
    expect(none).toEqual({ code: 0, out: '', err: '' })
  })

  it('a table of several pages has one head', async () => {
    const server = await eventServer(steps(1200))
    const { out } = await run(server, '--after', '0', '-o', 'table')
    expect(out.split('\n').filter((line) => line.includes('TIME'))).toHaveLength(1)
    expect(out.split('\n')).toHaveLength(1203)
  })

  it('stops to ask where nobody reads any more', async () => {
    const server = await eventServer(steps(60_000))
    const program = `'${process.execPath}' '${built.jobsctl}' events --after 0`
    const { out, err } = await shell(`{ ${program}; echo "exit $?" >&2; } | head -n 1`, { env: env(server) })
    expect(idsOf(out)).toEqual([3])
    expect(err).toBe('exit 0\n')
    expect(server.requests.length).toBeLessThan(100)
  })

  it('a server that answers out of order, or events that were not requested, is not followed in circles', async () => {
    const servers = await Promise.all(
      [[step(5), step(4)], [step(5), step(5)], [step(5)]].map((body) => fakeServer(() => ({ body }))),
    )
    for (const server of servers) {
      const { code, err } = await run(server, '--after', '2', '--limit', '3')
      expect(code).toBe(1)
      expect(err).toContain(`${server.url} sent events that are not in the order of their ids\n  hint: `)
      expect(server.requests.length).toBeLessThan(3)
    }
  })

  it('--curl prints the call that needs no search, and sends nothing', async () => {
    const server = await eventServer(some)
    const [all, few, last] = await Promise.all([
      run(server, '--after', '5', '--domain', 'a b', '--curl'),
      run(server, '--after', '5', '--limit', '7', '--curl'),
      run(server, '--curl'),
    ])
    expect(all.out).toContain('curl -X GET "$BASE/api/v1/jobs/events?domain=a+b&after_id=5&limit=500"')
    expect(few.out).toContain('events?after_id=5&limit=7"')
    expect(last).toMatchObject({ code: 2, out: '', err: expect.stringContaining('--curl needs --after here') })
    expect(server.requests).toEqual([])
  })

  it.each([
    [['--after', '5', '--since', '1h'], '--after and --since exclude each other'],
    [['--after', 'x'], '--after: must be a whole number'],
    [['--after', '-1'], '--after: needs a value'],
    [['--after', '9007199254740993'], '--after: must be from 0 to'],
    [
      ['--since', 'yesterday'],
      '--since: must be a time such as 2026-01-31T12:00:00Z, a day, 1h for 1 h ago, or mark:<text>',
    ],
    [['--since', '0'], '--since: must be at least 1s'],
    [['--limit', '0'], '--limit: must be from 1 to 1000'],
    [['--limit', '1001'], '--limit: must be from 1 to 1000'],
    [['--all', '--domain', 'a'], '--all and --domain exclude each other'],
    [['--follow', '--after', '5', '--limit', '5'], '--limit sets how many of the last events --follow begins with'],
    [['--follow', '-o', 'json'], '--follow has no end'],
    [['media/ingest'], 'too many arguments'],
  ])('%j is refused, and no request is sent', async (argv, detail) => {
    const server = await eventServer(some)
    const { code, out, err } = await run(server, ...argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(detail)
    expect(server.requests).toEqual([])
  })
})

describe('--follow', () => {
  it('shows the last ten, then each event once as it comes, until SIGINT ends it quietly with 130', async () => {
    const log = steps(25)
    const server = await eventServer(log)
    const child = await start(server)
    const shown = (count: number) => until(`it shows ${count}`, () => idsOf(child.output.out).length >= count)
    await shown(10)
    log.push(step(80), step(81))
    await shown(12)
    log.push(step(90))
    await shown(13)
    const looks = server.requests.length
    await until('it has looked again', () => server.requests.length > looks + 1)
    child.process.kill('SIGINT')

    const { code, out, err } = await child.ended
    expect({ code, err }).toEqual({ code: 130, err: '' })
    expect(idsOf(out)).toEqual([...idsFrom(log, 15, 25), 80, 81, 90])
  })

  it.each([
    ['--limit 3', ['--limit', '3'], [69, 72, 75]],
    ['--after', ['--after', '60'], [63, 66, 69, 72, 75]],
  ])('begins where %s says', async (_what, argv, ids) => {
    const log = steps(25)
    const child = await start(await eventServer(log), ...argv, '--ndjson')
    await until('it has begun', () => child.output.out.includes('"id":75'))
    log.push(step(100))
    await until('it goes on', () => child.output.out.includes('"id":100'))
    child.process.kill('SIGTERM')
    const { code, out } = await child.ended
    expect(code).toBe(143)
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(lines).toEqual([...ids, 100].map((id) => step(id)))
  })

  it('begins with --since, and with an empty log', async () => {
    const log: FakeEvent[] = [step(1)]
    const server = await eventServer(log)
    const children = await Promise.all([start(server, '--since', '1m'), start(await eventServer([]), '-v')])
    const [since, empty] = children
    log.push(step(2, 'x', { created_at: new Date().toISOString() }))
    await until('the new one is there', () => since?.output.out.includes('\n'))
    await until('it looks twice', () => (empty?.output.err.split('GET').length ?? 0) > 4)
    for (const { process } of children) process.kill('SIGINT')
    const [ended] = await Promise.all(children.map(({ ended }) => ended))
    expect(idsOf(ended?.out ?? '')).toEqual([2])
  })

  it('waits for a server that is away, says so once for each time, and misses nothing', async () => {
    const away = { status: 503, body: { detail: `away${esc}[2J`, code: 'shutting_down' } }
    const [answered, broken] = await Promise.all([throughTrouble(away), throughTrouble('reset')])
    for (const { out, err } of [answered, broken]) {
      expect(idsOf(out)).toEqual([3, 6, 9, 50])
      expect(err.split('; trying again\n')).toHaveLength(3)
      expect(err).not.toContain(esc)
    }
  })

  /** Follows a log whose server gives `trouble` before the first event, and again before the last one. */
  async function throughTrouble(trouble: Reply) {
    const log = steps(3)
    const weather = { bad: true }
    const server = await eventServer(log, () => (weather.bad ? trouble : undefined))
    const child = await start(server, '--retries', '0')
    const looks = async (more: number) => {
      const before = server.requests.length
      await until('it has looked again', () => server.requests.length >= before + more)
    }
    await looks(2)
    weather.bad = false
    await until('it has begun', () => idsOf(child.output.out).length === 3)
    // Some whole looks: one that had shown all, and broke off then, would be of the same time.
    await looks(4)
    weather.bad = true
    await looks(3)
    log.push(step(50))
    weather.bad = false
    await until('it goes on', () => idsOf(child.output.out).length === 4)
    child.process.kill('SIGINT')
    return child.ended
  }

  it('waits for a server that is not there yet', async () => {
    const dead = await deadServer()
    const child = await start(dead, '--retries', '0')
    await until('it has tried', () => child.output.err.includes('connection refused; trying again\n'))
    const server = await fakeServer(() => ({ body: server.requests.length === 1 ? [step(1)] : [] }), dead.port)
    await until('it has begun', () => server.requests.length > 3)
    child.process.kill('SIGINT')
    expect((await child.ended).code).toBe(130)
  })

  it('ends where the server refuses for good, and where nobody reads any more', async () => {
    const forbidding = await fakeServer(() => ({ status: 403, body: { detail: 'not you' } }))
    expect(await run(forbidding, '--follow')).toMatchObject({ code: 4, err: expect.stringContaining('not you') })

    const log = steps(3)
    const server = await eventServer(log)
    const growing = setInterval(() => log.push(step((log.at(-1)?.id ?? 0) + 1)), 100)
    const program = `'${process.execPath}' '${built.jobsctl}' events --follow --after 0`
    const { out, err } = await shell(`{ ${program}; echo "exit $?" >&2; } | head -n 4`, { env: env(server) })
    clearInterval(growing)
    expect(idsOf(out)).toEqual([3, 6, 9, 10])
    expect(err).toBe('exit 0\n')
  })

  it.skipIf(process.platform !== 'linux')('ends with its reader, although no further event comes', async () => {
    const server = await eventServer(steps(3))
    const program = `'${process.execPath}' '${built.jobsctl}' events --follow --after 0`
    const { out, err } = await shell(`{ ${program}; echo "exit $?" >&2; } | { head -n 1; sleep 2; }`, {
      env: env(server),
    })
    expect(idsOf(out)).toEqual([3])
    expect(err).toBe('exit 0\n')
  })

  it('at a terminal: one head, columns that grow with what comes, and Ctrl-C', async () => {
    const log = steps(2)
    const server = await eventServer(log)
    const person = await startAtTerminal(['events', '--follow'], { env: env(server), columns: 120 })
    await person.sees('8006')
    log.push(step(20, 'job.retry_scheduled', { attrs: { error_code: 'timeout' } }))
    await person.sees('error_code=timeout')
    log.push(step(21))
    await person.sees('8021')
    person.types(ctrlC)

    const { code, screen } = await person.ended
    expect(code).toBe(130)
    expect(screen.trimEnd().split('\n')).toEqual([
      '2026-11-24 UTC',
      'ID  TIME      EVENT        QUEUE              TYPE    JOB   DETAIL',
      '3   12:00:03  job.created  chatbooks/default  export  8003',
      '6   12:00:06  job.created  chatbooks/default  export  8006',
      '20  12:00:20  job.retry_scheduled  chatbooks/default  export  8020  error_code=timeout',
      '21  12:00:21  job.created          chatbooks/default  export  8021',
      '^C',
    ])
  })
})
