import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envOf, runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer } from '../../../support/fakes/fake-server.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'
import { openWorld, type World } from '../../../support/world.ts'

/** A job as the other server lists it. */
const otherServersJob = {
  ...{ id: 7, uuid: 'u', domain: 'chatbooks', queue: 'q', job_type: 't', status: 'queued', priority: 5 },
  ...{ retry_count: 0, max_retries: 3, available_at: null, created_at: '2026-11-25 18:06:17.463298+00:00' },
  ...{ acquired_at: null, started_at: null, leased_until: null, completed_at: null },
}

describe('list', () => {
  let world: World
  let ids: number[]
  beforeAll(async () => {
    world = await openWorld('postgres')
    const queued = await world.jobs(2, { status: 'queued', domain: 'chatbooks', queue: 'high' })
    const failed = await world.jobs(3, { status: 'failed', domain: 'media' })
    ids = [...queued, ...failed]
    await world.sql`update jobs set error_code = 'timeout', error_message = ${'no \x1b[31manswer'} where status = 'failed'`
  })
  afterAll(() => world?.stop())

  it('prints a row for each job in TSV, the columns of the API in their order', async () => {
    const { code, out, err } = await world.jobsctl(['list', '--domain', 'chatbooks', '--sort', 'created_at'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const rows = out.trimEnd().split('\n')
    expect(rows).toHaveLength(2)
    const cells = rows[0]?.split('\t') ?? []
    expect(cells).toHaveLength(21)
    expect([cells[2], cells[3], cells[5]]).toEqual(['chatbooks', 'high', 'queued'])
    expect(cells[10]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  it('narrows by every flag, and prints ids alone with --ids', async () => {
    const listed = async (...flags: string[]) => {
      const { code, out, err } = await world.jobsctl(['list', '--ids', '--sort', 'created_at', ...flags])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      return out
        .split('\n')
        .filter(Boolean)
        .map(Number)
        .sort((a, b) => a - b)
    }
    const [queued, failed] = [ids.slice(0, 2), ids.slice(2)]
    expect(await listed()).toEqual(ids)
    expect(await listed('--status', 'failed')).toEqual(failed)
    expect(await listed('--status', 'failed,queued', '--domain', 'chatbooks')).toEqual(queued)
    expect(await listed('--error-code', 'timeout')).toEqual(failed)
    expect(await listed('--error', 'ANSWER')).toEqual(failed)
    expect(await listed('--queue', 'high')).toEqual(queued)
    expect(await listed('--owner', 'nobody')).toEqual([])
    expect(await listed('--stale')).toEqual([])
    expect(await listed('--min-retries', '1000')).toEqual([])
    expect(await listed('--status', 'failed', '--limit', '2')).toHaveLength(2)
    const inOrder = async (sort: string) =>
      (await world.jobsctl(['list', '--ids', '--sort', sort])).out.trim().split('\n')
    expect((await inOrder('created_at:desc')).map(Number)).toEqual((await inOrder('created_at')).map(Number).reverse())
  })

  it('says in a pipe that more jobs follow where no limit was asked for', async () => {
    const page = Array.from({ length: 100 }, (_, at) => ({ ...otherServersJob, id: 200 - at }))
    const server = await fakeServer(() => ({ body: page, headers: { link: '<?cursor=a>; rel="next"' } }))
    const [byDefault, asked] = [await runAt(server, ['list', '--ids']), await runAt(server, ['list', '--limit', '100'])]
    const err = 'note: the first 100 jobs; narrow the filter, raise --limit to 1000, or use --all-pages\n'
    expect(byDefault).toMatchObject({ code: 0, out: page.map(({ id }) => `${id}\n`).join(''), err })
    expect(asked).toMatchObject({ code: 0, err: '' })
  })

  it('is a table at a terminal, and says where the limit cut it', async () => {
    const env = { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: world.key }
    const { code, screen } = await atTerminal(['list', '--domain', 'media', '--limit', '2'], { env, columns: 140 })
    expect(code).toBe(0)
    expect(screen).toMatch(/^ID +QUEUE +TYPE +STATUS +PRIO +RETRIES +CREATED +ERROR/)
    expect(screen).toMatch(/\d+ +media\/\S+ +\S+ +failed .* timeout/)
    expect(screen).toContain('the first 2 jobs; narrow the filter, raise --limit')
  })

  it('gives the answer of the server with --json, and the ids with --ids --json', async () => {
    const [json, lines] = await Promise.all([
      world.jobsctl(['list', '--json', '--sort', 'created_at']),
      world.jobsctl(['list', '--ids', '--json', '--sort', 'created_at']),
    ])
    expect(JSON.parse(json.out)).toHaveLength(5)
    expect(JSON.parse(lines.out).sort((a: number, b: number) => a - b)).toEqual(ids)
    expect(json.out).not.toMatch(/payload|lease_id|completion_token/)
  })

  it.each([
    [['--status', 'done'], '--status: must be one of queued'],
    [['--limit', '0'], '--limit: must be a number from 1 to 1000'],
    [['--limit', '1e3'], '--limit: must be a number from 1 to 1000'],
    [['--sort', 'payload'], '--sort: must be one of created_at'],
    [['--sort', 'priority:up'], '--sort: must be one of created_at'],
    [['--min-retries', 'many'], '--min-retries: '],
    [['--domain', ' '], '--domain: must not be blank'],
    [['--created-after', 'yesterday'], '--created-after: must be a time'],
    [['--ended-before', '2026-02-30'], '--ended-before: '],
    [['--ended-after', '99999999w'], '--ended-after: '],
    [['--columns', 'id,worker'], 'did you mean worker_id?'],
    [['--columns', 'id,,uuid'], '--columns: there is no column with a blank name'],
    [['--columns', 'constructor'], '--columns: there is no column constructor'],
    [['--columns', 'id', '--ids'], '--ids and --columns exclude each other'],
    [['--all-pages', '--limit', '5'], '--all-pages and --limit exclude each other'],
    [['--all-pages', '--json'], 'use --tsv'],
    [['--all-pages', '-o', 'table'], 'use --tsv'],
  ])('%j is refused before any call, and the error names the flag', async (flags, text) => {
    const server = await fakeServer(() => ({ body: [] }))
    const { code, err } = await runAt(server, ['list', ...flags])
    expect(code).toBe(2)
    expect(err).toContain(text)
    expect(server.requests).toEqual([])
  })

  it('reads the list of the other server, which has no fields of ours and other times', async () => {
    const server = await fakeServer(() => ({ body: [otherServersJob] }))
    expect(await runAt(server, ['list'])).toEqual({
      code: 0,
      out: '7\tu\tchatbooks\tq\tt\tqueued\t5\t0\t3\t\t2026-11-25T18:06:17.463Z\t\t\t\t\t\t\t\t\t\t\n',
      err: '',
    })
    const { screen } = await atTerminal(['list'], { env: envOf(server) })
    expect(screen).toContain('chatbooks/q')
    expect(await runAt(server, ['list', '--domain', 'chatbooks', '--status', 'queued'])).toMatchObject({ code: 0 })
    // It passes over fields that it does not know: the ids of its answer may not go into a change.
    for (const argv of [
      ['--error', 'timeout', '--ids'],
      ['--stale'],
      ['--status', 'failed,quarantined'],
      ['--ended-after', '1h', '--all-pages'],
      ['--worker', 'w', '--json'],
      ['--sort', 'ended_at'],
    ])
      expect([argv, await runAt(server, ['list', ...argv])]).toEqual([
        argv,
        { code: 2, out: '', err: expect.stringContaining('not looked at by this server') },
      ])
  })

  it('says that jobs may be missing where the server stopped its search, and fails for all pages without a next one', async () => {
    const headers = { 'X-Complete': 'false', 'X-Scanned': '50000' }
    const job = {
      ...{ id: 7, uuid: 'u', domain: 'd', queue: 'q', job_type: 't', status: 'queued', priority: 5, retry_count: 0 },
      ...{ max_retries: 3, available_at: null, created_at: null, acquired_at: null, started_at: null },
      ...{ leased_until: null, completed_at: null },
    }
    const next = { Link: '<?cursor=c>; rel="next"' }
    const isFirst = (path: string) => path.includes('limit=1&') || path.endsWith('limit=1')
    const server = await fakeServer(({ path }) => ({
      headers: { ...headers, ...(isFirst(path) && next) },
      body: [job],
    }))
    const list = (...flags: string[]) => runAt(server, ['list', '--ids', ...flags])
    const note = 'note: the server compared 50,000 jobs and stopped, so jobs that match may be missing'
    const [domain, queue, status] = [
      ['--domain', 'd'],
      ['--queue', 'q'],
      ['--status', 'failed'],
    ] as const
    const narrowed = async (...more: string[]) => [
      (await list(...more)).err,
      (await list(...more, ...domain)).err,
      (await list(...more, ...domain, ...queue)).err,
      (await list(...more, ...domain, ...queue, ...status)).err,
    ]
    expect(await narrowed()).toEqual([
      `${note}; narrow the list with --domain, --queue or --status\n`,
      `${note}; narrow the list with --queue or --status\n`,
      `${note}; narrow the list with --status\n`,
      `${note}\n`,
    ])
    expect(await narrowed('--limit', '1')).toEqual([
      `${note}; add --all-pages, or narrow the list with --domain, --queue or --status\n`,
      `${note}; add --all-pages, or narrow the list with --queue or --status\n`,
      `${note}; add --all-pages, or narrow the list with --status\n`,
      `${note}; add --all-pages\n`,
    ])
    expect(await list()).toMatchObject({ code: 0, out: '7\n' })
    expect(await list('--all-pages')).toMatchObject({
      ...{ code: 7, out: '' },
      err: expect.stringContaining('cannot read all jobs in time, and compared 50,000 of them'),
    })
    // A caller with a scope is not told how many.
    const scoped = await fakeServer(() => ({ headers: { 'X-Complete': 'false' }, body: [job] }))
    expect((await runAt(scoped, ['list', '--ids', '--domain', 'd'])).err).toBe(
      'note: the server stopped before it had compared all jobs, so jobs that match may be missing; narrow the list with --queue or --status\n',
    )
    expect(await runAt(scoped, ['list', '--ids', '--all-pages'])).toMatchObject({
      code: 7,
      err: expect.stringContaining('cannot read all jobs in time: they are not all pages'),
    })
  })

  it('goes on by itself where the server stopped its search, until the limit or the end, and is never empty before', async () => {
    const job = (id: number) => ({
      ...{ id, uuid: 'u', domain: 'd', queue: 'q', job_type: 't', status: 'queued', priority: 10 - id, retry_count: 0 },
      ...{ max_retries: 3, available_at: null, created_at: null, acquired_at: null, started_at: null },
      ...{ leased_until: null, completed_at: null },
    })
    const bodies = [[], [job(7)], [], [job(9), job(8)]]
    const pages = () =>
      fakeServer(({ path }, nth) => {
        if (path.startsWith('/api/v1/jobs/stats')) {
          const counts = { queued: 1, scheduled: 0, processing: 0, quarantined: 0 }
          return { body: [{ domain: 'd', queue: 'q', job_type: 't', ...counts }] }
        }
        const at = Number(new URL(path, 'http://server').searchParams.get('cursor')?.slice(1) ?? 0)
        const isLast = at === bodies.length - 1
        const link = isLast ? {} : { Link: `</api/v1/jobs/list?cursor=c${at + 1}>; rel="next"` }
        return {
          headers: { 'X-Complete': String(isLast), 'X-Scanned': '50000', ...link },
          body: nth < 50 ? bodies[at] : [],
        }
      })
    const server = await pages()
    const ids = (argv: string[]) => runAt(server, ['list', '--ids', '--domain', 'd', ...argv])
    expect(await ids(['--error', 'x'])).toEqual({ code: 0, out: '7\n9\n8\n', err: '' })
    expect(await ids(['--error', 'x', '--limit', '1'])).toMatchObject({ code: 0, out: '7\n' })
    expect(await ids(['--error', 'x', '--sort', 'priority'])).toMatchObject({ code: 0, out: '9\n8\n7\n' })
    expect(await ids(['--error', 'x', '--must-exist', '--all-pages'])).toMatchObject({ code: 0, out: '7\n9\n8\n' })
    const json = await runAt(await pages(), ['list', '--json', '--error', 'x'])
    expect(JSON.parse(json.out).map(({ id }: { id: number }) => id)).toEqual([7, 9, 8])
    const limits = server.requests.map(({ path }) => new URL(path, 'http://server').searchParams.get('limit'))
    expect(limits.filter(Boolean).slice(0, 4)).toEqual(['100', '100', '99', '99'])
  })

  it.each([['list'], ['stats'], ['clusters'], ['workers'], ['stale'], ['events']])(
    '%s that found nothing says so of any domain, not of all',
    async (name) => {
      const answer = name === 'clusters' ? { clusters: [], expired_leases: [] } : []
      const server = await fakeServer(() => ({ body: answer }))
      const { err } = await runAt(server, [name, '-o', 'table'])
      expect(err).toMatch(/^no .* in any domain/)
    },
  )

  it('a scope without jobs is known by the groups, also where the search is not over: exit 5 with --must-exist', async () => {
    const of = (path: string) => new URL(path, 'http://server').pathname.replace('/api/v1/jobs/', '')
    const server = await fakeServer(({ path }) => {
      if (of(path) === 'stats') return { body: [] }
      if (of(path) === 'events')
        return { status: 503, body: { code: 'database_busy' }, headers: { 'Retry-After': '1' } }
      const headers = { 'X-Complete': 'false', 'X-Scanned': '50000', Link: '<?cursor=c>; rel="next"' }
      return { headers, body: [] }
    })
    for (const more of [[], ['--all-pages']])
      expect(await runAt(server, ['list', '--must-exist', '--domain', 'nosuch', ...more])).toMatchObject({
        code: 5,
        out: '',
        err: expect.stringContaining('no job is in nosuch; nothing was changed'),
      })
    expect(await runAt(server, ['list', '--domain', 'nosuch'])).toEqual({ code: 0, out: '', err: '' })
    const asked = server.requests.map(({ path }) => of(path))
    expect(asked.filter((path) => path === 'list')).toHaveLength(3)
    // The search of the event log is not repeated.
    expect(asked.filter((path) => path === 'events')).toHaveLength(2)
  })

  it('that the time of --timeout ended is exit 7 with what matched so far', async () => {
    const server = await fakeServer(({ path }) => {
      const [, cursor = '0'] = /cursor=c(\d+)/.exec(path) ?? []
      const headers = {
        'X-Complete': 'false',
        'X-Scanned': '50000',
        Link: `<?cursor=c${Number(cursor) + 1}>; rel="next"`,
      }
      return { headers, body: [] }
    })
    expect(await runAt(server, ['list', '--error', 'x', '--timeout', '1s'])).toMatchObject({
      code: 7,
      out: '',
      err: expect.stringMatching(/the search did not end in the time of --timeout: the server compared [\d,]+ jobs/),
    })
  })

  it('narrows by the times of the creation and of the end, given as a time, a day, or how long ago', async () => {
    await world.sql`
      update jobs set created_at = now() - interval '3 hours', completed_at = now() - interval '1 hour' where status = 'failed'`
    await world.sql`update jobs set created_at = '2026-01-02 00:00:00+00' where status = 'queued'`
    const counted = async (...flags: string[]) => (await world.jobsctl(['list', ...flags])).out.split('\n').length - 1
    expect(await counted('--created-after', '4h')).toBe(3)
    expect(await counted('--created-after', '2h')).toBe(0)
    expect(await counted('--created-before', '2026-01-02')).toBe(0)
    expect(await counted('--created-before', '2026-01-02T00:00:01Z')).toBe(2)
    expect(await counted('--ended-after', '2h')).toBe(3)
    expect(await counted('--ended-before', '2h')).toBe(0)
    expect(await counted('--ended-before', '30m', '--ended-after', '90m')).toBe(3)
  })

  it('prints the columns that are named, in their order, in every format', async () => {
    const flags = ['--queue', 'high', '--columns', 'status, id', '--sort', 'created_at']
    const [tsv, json, table] = await Promise.all([
      world.jobsctl(['list', ...flags]),
      world.jobsctl(['list', ...flags, '--json']),
      world.jobsctl(['list', ...flags, '-o', 'table']),
    ])
    const [one, other] = ids
    expect(tsv.out).toBe(`queued\t${one}\nqueued\t${other}\n`)
    expect(json.out).toBe(`[{"status":"queued","id":${one}},{"status":"queued","id":${other}}]\n`)
    expect(table.out).toMatch(/^STATUS +ID\nqueued +\d+\n/)
  })

  it('prints all pages as NDJSON, each job once, also as TSV and as ids alone', async () => {
    await world.jobs(2100, { domain: 'many' })
    const all = async (...flags: string[]) => {
      const { code, out, err } = await world.jobsctl(['list', '--domain', 'many', '--all-pages', ...flags])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      return out.trimEnd().split('\n')
    }
    const lines = await all('--created-after', '90d')
    expect(new Set(lines.map((line) => JSON.parse(line).id)).size).toBe(2100)
    expect(lines).toHaveLength(2100)
    expect(new Set((await all('--ids')).map(Number)).size).toBe(2100)
    const rows = await all('-o', 'tsv', '--columns', 'domain,id', '--sort', 'priority')
    expect(new Set(rows.map((row) => row.split('\t')[1])).size).toBe(2100)
    expect(await all('--columns', 'domain')).toContain('{"domain":"many"}')
  })

  it('--all-pages follows the cursor of Link at its own server alone, and never in a circle', async () => {
    const link = 'https://elsewhere.example/steal?domain=x&cursor=c%2B2&limit=1>; rel="next", <?cursor=p>; rel="prev"'
    const job = { id: 7, uuid: 'u', domain: 'd', queue: 'q', job_type: 't', status: 'queued' }
    const times = { available_at: null, created_at: null, acquired_at: null, started_at: null, leased_until: null }
    const row = { ...job, ...times, priority: 5, retry_count: 0, max_retries: 3, completed_at: null }
    const server = await fakeServer((_asked, nth) =>
      nth === 1 ? { headers: { Link: `<${link}` }, body: [row] } : { headers: { 'X-Complete': 'true' }, body: [row] },
    )
    expect(await runAt(server, ['list', '--all-pages', '--domain', 'd', '--ids'])).toEqual({
      code: 0,
      out: '7\n7\n',
      err: '',
    })
    const [first, second] = server.requests.map(({ path }) => new URL(path, 'http://server').searchParams)
    expect(first?.get('cursor')).toBeNull()
    expect(Object.fromEntries(second ?? [])).toMatchObject({ cursor: 'c+2', domain: 'd', limit: '1000' })

    const circle = await fakeServer(() => ({ headers: { Link: '<?cursor=c>; rel=next' }, body: [] }))
    expect(await runAt(circle, ['list', '--all-pages'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('leads to the same page of the list again'),
    })
    expect(circle.requests).toHaveLength(2)

    const pageless = await fakeServer(() => ({ body: Array.from({ length: 1000 }, () => row) }))
    expect(await runAt(pageless, ['list', '--all-pages'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('has no pages: after 1000 jobs there may be more'),
    })
  })

  it('has no column of errors and of workers over an engine whose jobs have none', async () => {
    const job = {
      id: 'mail/7',
      uuid: null,
      domain: 'pgboss',
      queue: 'mail',
      job_type: '',
      status: 'failed',
      priority: 0,
    }
    const times = ['available_at', 'created_at', 'acquired_at', 'started_at', 'leased_until', 'completed_at']
    const row = {
      ...{ ...job, retry_count: 0, max_retries: 2, native_state: 'failed', error_code: null, worker_id: null },
      ...Object.fromEntries(times.map((name) => [name, null])),
    }
    const headOf = async (more: object) => {
      const server = await fakeServer(() => ({ body: [row, { ...row, ...more }] }))
      return (await runAt(server, ['list', '-o', 'table'])).out.split('\n')[0]
    }
    expect(await headOf({})).toMatch(/RETRIES +CREATED$/)
    expect(await headOf({ error_code: 'ETIMEDOUT' })).toMatch(/CREATED +ERROR$/)
    expect(await headOf({ worker_id: 'w', native_state: 'active' })).toMatch(/STATUS +NATIVE_STATE .*CREATED +WORKER$/)
  })

  it('a scope that never had a job is exit 5 with --must-exist', async () => {
    expect(await world.jobsctl(['list', '--domain', 'chatboks', '--must-exist'])).toMatchObject({
      code: 5,
      err: expect.stringContaining('did you mean --domain chatbooks?'),
    })
  })
})
