import { expect, it } from 'vitest'
import * as z from 'zod'
import { type FakeServer, fakeServer } from '../../support/fakes/fake-server.ts'
import { type OtherJobs, otherServer } from '../../support/fakes/other-server.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { atTerminal, enter, startAtTerminal } from '../../support/programs/terminal.ts'
import { paths } from '../../support/world.ts'

const stored = (): OtherJobs => ({ prunable: 5, overdue: 4, quarantined: 3, leased: 2, expired: 1 })
const env = ({ url }: FakeServer) => ({ JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key' })
const run = (server: FakeServer, ...argv: string[]) => runJobsctl(argv, { env: env(server) })

const noBound =
  'note: this server does not enforce the limit; jobsctl counted the jobs itself, right before the change\n'
const sweep = ['sweep', '--domain', 'chatbooks', '--age', '1d']
const confirmed = ({ requests }: FakeServer) => requests.filter(({ headers }) => headers['x-confirm'] !== undefined)

it('stats: shows what it knows, and passes on what it does not know with --json', async () => {
  const server = await otherServer(stored())
  const [rows, json] = await Promise.all([
    run(server, 'stats'),
    run(server, 'stats', '--domain', 'chatbooks', '--json'),
  ])

  expect(rows).toEqual({ code: 0, out: 'chatbooks\tdefault\texport\t4\t1\t2\t3\n', err: '' })
  // It passes over fields that it does not know: its counts of now are none of the past.
  const past = await run(server, 'stats', '--at', '1h')
  expect(past).toMatchObject({ code: 2, out: '', err: expect.stringContaining('keeps no counts of the past') })
  const [row]: unknown[] = JSON.parse(json.out)
  expect(row).toMatchObject({ domain: 'chatbooks', oldest_age_seconds: 17 })
})

it('prune, requeue and integrity --fix: preview and change, and a word that the server keeps no bound', async () => {
  const jobs = stored()
  const server = await otherServer(jobs)
  const [prune, requeue, integrity] = await Promise.all([
    run(server, 'prune', '--domain', 'chatbooks', '--yes'),
    run(server, 'requeue', '--domain', 'chatbooks', '--yes'),
    run(server, 'integrity', '--all', '--fix', '--trust-server', '--yes'),
  ])

  expect(prune).toEqual({ code: 0, out: 'deleted 5 jobs in chatbooks\n', err: noBound })
  expect(requeue).toEqual({ code: 0, out: 'requeued 3 jobs in chatbooks\n', err: noBound })
  expect(integrity).toEqual({ code: 0, out: 'repaired 3 jobs in all domains\n', err: noBound })
  expect(jobs).toEqual({ prunable: 0, overdue: 4, quarantined: 0, leased: 0, expired: 0 })
  for (const { body } of confirmed(server)) expect(body).not.toHaveProperty('max')
})

it.each([
  [['queues'], 'GET /api/v1/jobs/queues'],
  [['operations'], 'GET /api/v1/jobs/operations'],
  [['events'], 'GET /api/v1/jobs/events'],
  [['undo', '1', '--yes'], 'POST /api/v1/jobs/operations/1/undo'],
  [['pause', 'a/b'], 'POST /api/v1/jobs/queue/control'],
])('%j is reported as missing in this server', async (argv, call) => {
  const server = await otherServer(stored())
  const { code, out, err } = await run(server, ...argv)
  expect({ code, out }).toEqual({ code: 5, out: '' })
  expect(err).toMatch(/^error: .+\n {2}hint: this server lacks what the command needs, or .+\n$/)
  expect(err).toContain(`error: ${server.url} has no ${call}\n`)
})

it('previews change nothing, and --max is kept by jobsctl itself', async () => {
  const jobs = stored()
  const server = await otherServer(jobs)
  const [dry, refused, above, report] = await Promise.all([
    run(server, 'prune', '--all', '--dry-run', '--detailed-exitcode'),
    run(server, 'requeue', '--all'),
    run(server, 'prune', '--all', '--yes', '--max', '4'),
    run(server, 'integrity', '--all'),
  ])

  expect(dry).toEqual({ code: 10, out: 'would delete 5 jobs in all domains\n', err: '' })
  expect(refused).toMatchObject({ code: 3, out: '' })
  expect(above).toMatchObject({ code: 8, err: expect.stringContaining('5 jobs match, above the limit of 4') })
  expect(report).toMatchObject({ code: 0, out: 'non_processing_with_lease\t2\nprocessing_expired\t1\n' })
  expect(confirmed(server)).toEqual([])
  expect(jobs).toEqual(stored())
})

it('at a terminal: the sentence is the preview, and the typed count goes ahead', async () => {
  const jobs = stored()
  const server = await otherServer(jobs)
  const person = await startAtTerminal(['prune', '--domain', 'chatbooks'], { env: env(server) })
  await person.sees('Type 5 to go ahead:')
  person.types(`5${enter}`)

  const { code, screen } = await person.ended
  expect(code).toBe(0)
  expect(screen).toContain('would delete 5 jobs in chatbooks\n')
  expect(screen).toContain(noBound)
  expect(jobs.prunable).toBe(0)
})

it('sweep: says that it cannot be previewed, and goes on only with --yes --no-preview', async () => {
  const jobs = stored()
  const server = await otherServer(jobs)
  const refusals = await Promise.all([
    run(server, ...sweep),
    run(server, ...sweep, '--dry-run'),
    run(server, ...sweep, '--yes'),
  ])
  for (const refusal of refusals) {
    expect(refusal).toMatchObject({ code: 3, out: '' })
    expect(refusal.err).toContain('error: this server cannot preview this sweep; nothing was changed\n')
    expect(refusal.err).toContain(
      `hint: to go ahead without a preview: jobsctl ${sweep.join(' ')} --yes --no-preview\n`,
    )
  }
  expect(await atTerminal(sweep, { env: env(server) })).toMatchObject({ code: 3 })
  expect(await run(server, ...sweep, '--no-preview')).toMatchObject({
    code: 2,
    err: 'error: --no-preview needs --yes\n  hint: jobsctl sweep --help\n',
  })
  expect(confirmed(server)).toEqual([])
  expect(jobs.overdue).toBe(4)

  const done = await run(server, ...sweep, '--yes', '--no-preview')
  expect(done).toMatchObject({ code: 0, out: 'cancelled 4 jobs in chatbooks\n' })
  expect(confirmed(server)).toMatchObject([{ path: paths.sweep, body: { age_seconds: 86_400, domain: 'chatbooks' } }])
})

it('--no-preview with a limit that nobody would keep is refused', async () => {
  const server = await otherServer(stored())
  const { code, err } = await run(server, ...sweep, '--yes', '--no-preview', '--max', '9')
  expect(code).toBe(2)
  expect(err).toContain('nothing would enforce it')
  expect(server.requests).toEqual([])
})

it('requeue finds the domains, and the domain of an id, by itself', async () => {
  const server = await otherServer(stored())
  expect(await run(server, 'requeue', '8123', '--yes', '-q')).toEqual({ code: 0, out: '', err: '' })
  expect(confirmed(server)).toMatchObject([{ path: paths.requeue, body: { domain: 'chatbooks', job_id: 8123 } }])
})

it('reads its errors: a sentence, a list of faults, and an answer that says nothing', async () => {
  const faults = [
    { loc: ['body', 'older_than_days'], msg: 'Input should be greater than 0', type: 'greater_than' },
    { loc: ['query', 'domain'], msg: 'Field required' },
  ]
  const [sentence, list, silent] = await Promise.all([
    otherServer(stored(), 'another key').then((server) => run(server, 'stats')),
    fakeServer(() => ({ status: 422, body: { detail: faults } })).then((server) => run(server, 'stats')),
    fakeServer(() => ({ status: 500, body: 'Internal Server Error' })).then((server) => run(server, 'stats')),
  ])
  expect(sentence).toMatchObject({
    code: 4,
    err: expect.stringContaining('rejected the key of JOBSCTL_API_KEY: Could not validate credentials\n'),
  })
  expect(list).toMatchObject({
    code: 2,
    err: 'error: --older-than: Input should be greater than 0\n  --domain: Field required\n  hint: jobsctl stats --help\n',
  })
  expect(silent).toMatchObject({ code: 1, err: expect.stringMatching(/^error: http\S+ answered HTTP 500\n/) })
})

it('doctor is content with it, and says what it lacks', async () => {
  const server = await otherServer(stored())
  const { code, out } = await run(server, 'doctor')
  expect(code).toBe(0)
  expect(out).toMatch(/^server\twarning\t/m)
  expect(out).toMatch(/^database\twarning\t/m)
  expect(out).toMatch(/^bounds\twarning\tthe server does not enforce --max\t/m)
})

it('what a person confirms is counted again right before the change, since this server keeps no bound', async () => {
  let counted = 5
  const server = await fakeServer(({ headers }) => {
    if (headers['x-confirm']) return { body: { deleted: 500 } }
    const deleted = counted
    counted = 500
    return { body: { deleted } }
  })
  const terminal = await startAtTerminal(['prune', '--domain', 'chatbooks'], { env: env(server) })
  await terminal.sees('go ahead')
  terminal.types(`5${enter}`)
  expect(await terminal.ended).toMatchObject({ code: 8, screen: expect.stringContaining('above the limit of 5') })
  expect(confirmed(server)).toEqual([])
})

it('an error with odd fields beside its sentence still says the sentence', async () => {
  const detail = 'Confirmation required. Set X-Confirm: true'
  const server = await fakeServer(() => ({ status: 400, body: { detail, code: null, errors: null, hint: 7 } }))
  expect(await run(server, ...sweep, '--yes')).toMatchObject({
    code: 3,
    err: expect.stringContaining('this server cannot preview this sweep'),
  })
})

it('integrity: another server may count healthy jobs, so --fix and --detailed-exitcode need --trust-server', async () => {
  const jobs = stored()
  const server = await otherServer(jobs)
  const [fix, cron, report, trusted] = await Promise.all([
    run(server, 'integrity', '--all', '--fix', '--yes'),
    run(server, 'integrity', '--all', '--detailed-exitcode'),
    run(server, 'integrity', '--all'),
    run(server, 'integrity', '--all', '--detailed-exitcode', '--trust-server'),
  ])
  for (const refused of [fix, cron]) {
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('is not jobs-server and may count healthy') })
    expect(refused.err).toContain('--trust-server')
  }
  expect(report).toMatchObject({ code: 0, err: expect.stringContaining('note: ') })
  expect(trusted).toMatchObject({ code: 10, err: '' })
  expect(jobs).toEqual(stored())
})

it.each([
  ['Domain filter is required for this operation', 'add --domain, as in jobsctl stats --domain chatbooks'],
  ['Domain filter required for allowlisted admin', 'add --domain, as in jobsctl stats --domain chatbooks'],
  ['Not allowed for domain media', 'this key is limited to other domains: name one of them with --domain'],
  ['Access denied. Required role(s): admin', 'a key that is limited to some domains needs --domain'],
])('a server that keeps keys to their domains says %j, and the hint names --domain', async (detail, hint) => {
  const server = await fakeServer(() => ({ status: 403, body: { detail } }))
  for (const argv of [['stats'], ['list'], ['events'], ['prune', '--all', '--yes'], ['requeue', '--all', '--yes']]) {
    const { code, err } = await run(server, ...argv)
    expect({ argv, code, err }).toEqual({ argv, code: 4, err: expect.stringContaining(`error: ${detail}\n`) })
    expect(err.split('\n')[1]).toContain(hint)
  }
})

it('doctor goes on where the server wants a domain to be named', async () => {
  const server = await fakeServer(({ path }) =>
    path.startsWith(paths.stats) || path === paths.prune
      ? { status: 403, body: { detail: 'Domain filter is required for this operation' } }
      : { status: 404, body: { detail: 'Not Found' } },
  )
  const { code, out } = await run(server, 'doctor')
  expect(code).toBe(0)
  expect(out).toContain(
    'access\twarning\tthe server shows this key one domain at a time\tjobsctl stats --domain chatbooks\n',
  )
  expect(out).toMatch(/^bounds\twarning\tnot checked, .*\tjobsctl prune --domain chatbooks --dry-run$/m)
  expect(out).toMatch(/^history\t/m)
})

it('in maintenance: the sentence of the server, and not the object around it', async () => {
  const body = { detail: { code: 'maintenance_mode', message: 'The server is in maintenance mode' } }
  const server = await fakeServer(() => ({ status: 503, body }))
  const { code, err } = await run(server, 'stats', '--retries', '0')
  expect({ code, first: err.split('\n')[0] }).toEqual({ code: 7, first: 'error: The server is in maintenance mode' })
})

it('a fault that the server finds leads to the help on the command', async () => {
  const detail = [{ type: 'x', loc: ['query', 'limit'], msg: 'Input should be a valid integer' }]
  const server = await fakeServer(() => ({ status: 422, body: { detail } }))
  expect(await run(server, 'list')).toEqual({
    code: 2,
    out: '',
    err: 'error: --limit: Input should be a valid integer\n  hint: jobsctl list --help\n',
  })
})

it('retry calls the path of today, and the older one at a server that answers it with 404', async () => {
  const now = await fakeServer(() => ({ body: { affected: 3 } }))
  const other = await fakeServer(({ path }) =>
    path.endsWith('/retry-now') ? { body: { affected: 3 } } : { status: 404, body: { detail: 'Not Found' } },
  )
  const retry = ['retry', '--domain', 'chatbooks', '--yes']
  for (const server of [now, other]) expect(await run(server, ...retry)).toMatchObject({ code: 0 })
  expect(now.requests.map(({ path }) => path)).not.toContain('/api/v1/jobs/retry-now')
  const confirmedAt = confirmed(other).map(({ path }) => path)
  expect(confirmedAt).toEqual(['/api/v1/jobs/batch/retry', '/api/v1/jobs/retry-now'])
})

it('cancel finds the domain of each id, where the server needs one', async () => {
  const required = { type: 'missing', loc: ['body', 'domain'], msg: 'Field required' }
  const server = await fakeServer(({ method, path, body }) => {
    const id = Number(path.split('/').at(-1))
    const job = {
      uuid: 'u',
      queue: 'default',
      job_type: 't',
      status: 'queued',
      payload: {},
      result: null,
      archived: false,
    }
    if (method === 'GET') return { body: { ...job, id, domain: id === 7 ? 'media' : 'chatbooks' } }
    return z.object({ domain: z.string() }).safeParse(body).success
      ? { body: { affected: 1 } }
      : { status: 422, body: { detail: [required] } }
  })
  expect(await run(server, 'cancel', '7', '8', '--yes')).toMatchObject({ code: 0, out: 'cancelled 2 jobs\n' })
  expect(confirmed(server).map(({ body }) => body)).toEqual([
    { domain: 'media', job_id: 7, dry_run: false },
    { domain: 'chatbooks', job_id: 8, dry_run: false },
  ])
})

it('says what the server takes where it rejects a key, whose header names a token in any case', async () => {
  const server = await fakeServer(() => ({
    ...{ status: 401, headers: { 'www-authenticate': 'Bearer' } },
    body: { detail: 'Could not validate credentials' },
  }))
  const { code, err } = await run(server, 'stats')
  expect(code).toBe(4)
  expect(err).toContain('hint: put a key of this server into JOBSCTL_API_KEY, or check the address')
  expect(err).toContain('where it has several users, it takes a token, by JOBSCTL_TOKEN\n')
})

it('erase is missing in a server that reads the word as the id of a job', async () => {
  const server = await fakeServer(() => ({ status: 405, body: { detail: 'Method Not Allowed' } }))
  const { code, err } = await run(server, 'erase', '--owner', 'ann', '--yes')
  expect(code).toBe(5)
  expect(err).toContain('has no POST /api/v1/jobs/erase\n')
})

it('writes times as ISO 8601 in a pipe, whatever the server writes', async () => {
  const job = {
    id: 7,
    uuid: 'u',
    domain: 'd',
    queue: 'q',
    job_type: 't',
    status: 'queued',
    priority: 5,
    retry_count: 0,
  }
  const times = { available_at: null, acquired_at: null, started_at: null, leased_until: null, completed_at: null }
  const created_at = '2026-11-25 11:14:24.98+00:00'
  const server = await fakeServer(() => ({ body: [{ ...job, max_retries: 3, ...times, created_at }] }))
  const { code, out } = await run(server, 'list', '--domain', 'd')
  expect(code).toBe(0)
  expect(out).toContain('\t2026-11-25T11:14:24.980Z\t')
})
