import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { type FakeServer, fakeServer } from '../../../support/fakes/fake-server.ts'
import { until } from '../../../support/poll.ts'
import { type JobsctlOptions, runJobsctl, startJobsctl } from '../../../support/programs/jobsctl.ts'
import { openWorld, type World } from '../../../support/world.ts'

const job = { domain: 'chatbooks', queue: 'default', job_type: 'export', payload: { n: 1 } }
const lines = (...values: unknown[]) =>
  values.map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`).join('')

/** A server that takes batches in; `answer` may refuse one by its number. */
const taking = (answer: (nth: number) => object | undefined = () => undefined) =>
  fakeServer(({ path, body }, nth) => {
    const given: object[] = Reflect.get(Object(body), 'jobs')
    if (path !== '/api/v1/jobs/batch') throw new Error(`requested ${path}`)
    const refused = answer(nth)
    if (refused) return refused
    const columns = { uuid: null, owner_user_id: null, project_id: null, batch_group: null, idempotency_key: null }
    const jobs = given.map((one, at) => ({ ...full, ...columns, ...one, id: at + 1, created: at !== 1 }))
    return { status: 201, body: { jobs } }
  })

/** Every column of a job, as a server answers it. */
const names =
  'result priority max_retries retry_count available_at started_at acquired_at leased_until lease_id worker_id error_message error_code error_class last_error error_stack cancel_requested_at cancelled_at cancellation_reason failure_streak_code failure_streak_count quarantined_at progress_percent progress_message request_id trace_id failure_timeline created_at updated_at completed_at'
const full = { ...Object.fromEntries(names.split(' ').map((name) => [name, null])), status: 'queued' }

const run = ({ url }: FakeServer, argv: string[], options: JobsctlOptions = {}) =>
  runJobsctl(['enqueue', ...argv], { ...options, env: { JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key' } })
const sizes = ({ requests }: FakeServer) =>
  requests.map(({ body }) => Reflect.get(Reflect.get(Object(body), 'jobs'), 'length'))

describe('enqueue --from', () => {
  it('sends a thousand lines at a time, from stdin or a file, and says how many', async () => {
    const server = await taking()
    const text = lines(...Array(2100).fill(job))
    expect(await run(server, ['--from', '-'], { stdin: text })).toEqual({
      ...{ code: 0, err: '' },
      out: 'Enqueued 2,097 jobs; 3 existed already.\n',
    })
    expect(sizes(server)).toEqual([1000, 1000, 100])
    const path = join(await newFolder('jobs'), 'jobs.ndjson')
    await writeFile(path, `\n${JSON.stringify(job)}\r\n\n${JSON.stringify(job)}`)
    const { out } = await run(server, ['--from', path, '--json'])
    expect(JSON.parse(out)).toEqual({ operation: 'enqueue', created: 1, existing: 1, lines: 4, passed_over: [] })
  })

  it('passes over the columns of a job that exists, and names them once', async () => {
    const server = await taking()
    const row = { id: 7, uuid: 'u', status: 'failed', retry_count: 3, owner_user_id: null, ...job, events: [] }
    const { code, err } = await run(server, ['--from', '-'], { stdin: lines(row, row) })
    expect(code).toBe(0)
    expect(err).toBe('passed over, since they belong to a job that exists: id, uuid, status, retry_count, events\n')
    expect(server.requests[0]?.body).toEqual({ jobs: [job, job].map((one) => expect.objectContaining(one)) })
  })

  it.each([
    ['{', 'line 1001: is not JSON'],
    ['[1]', 'line 1001: must be a JSON object'],
    [{ ...job, prioritty: 1 }, 'line 1001: prioritty: is no field of a job'],
    [{ ...job, payload: undefined }, 'line 1001: payload: must be an object'],
    [{ ...job, priority: 11 }, 'line 1001: priority: must be at most 10'],
    [
      '{"domain":"a","job_type":"b","payload":{"n":12345678901234567890}}',
      'line 1001: the number 12345678901234567890',
    ],
    ['{"domain":"a","job_type":"b","payload":{"n":1,"n":2}}', 'line 1001: payload.n: stands twice in one object'],
    [{ ...job, 'a\u001b[2J': 1 }, 'line 1001: a\\x1b[2J: is no field'],
  ])('%j stops before its batch is sent', async (bad, said) => {
    const server = await taking()
    const text = lines(...Array(1000).fill(job), bad, job)
    const { code, out, err } = await run(server, ['--from', '-'], { stdin: text })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(said)
    expect(err).toContain('before it, 999 jobs were enqueued and 1 existed already, up to line 1000\n')
    expect(sizes(server)).toEqual([1000])
  })

  it('a refusal of the server names the lines, and what was enqueued before', async () => {
    const errors = [{ path: 'jobs.2.payload', message: 'is too large' }]
    const refusal = { status: 422, body: { detail: 'no', code: 'invalid_request', errors } }
    const server = await taking((nth) => (nth === 2 ? refusal : undefined))
    const { code, err } = await run(server, ['--from', '-'], { stdin: lines(...Array(1500).fill(job)) })
    expect(code).toBe(2)
    expect(err).toContain(
      'line 1003: payload: is too large; the jobs of lines 1001 to 1500 were not enqueued; before it, 999',
    )
  })

  it('a lost answer may have enqueued its batch', async () => {
    const server = await fakeServer(() => 'reset')
    const { code, err } = await run(server, ['--from', '-'], { stdin: lines(job) })
    expect(code).toBe(7)
    expect(err).toContain(
      'the jobs of lines 1 to 1 may have been enqueued, all or none; nothing before it was enqueued',
    )
    expect(server.requests).toHaveLength(1)
  })

  it('Ctrl-C says how many were enqueued', async () => {
    const server = await fakeServer(() => 'silence')
    const child = await startJobsctl(['enqueue', '--from', '-'], {
      stdin: lines(job),
      env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' },
    })
    await until('the batch is sent', () => server.requests.length > 0)
    child.process.kill('SIGINT')
    const { code, err } = await child.ended
    expect(code).toBe(130)
    expect(err).toContain('may have been enqueued, all or none; nothing before it was enqueued')
  })

  it.each([
    [['--from', '-', 'a/b'], 'neither a queue nor a flag'],
    [['--from', '-', '--priority', '1'], 'neither a queue nor a flag'],
    [['--from', '/nowhere/x'], '--from: cannot read /nowhere/x: no such file'],
    [['--from', '-', '--curl'], '--curl'],
    [['--from', '-', '--dry-run'], '--dry-run: enqueue acts at once'],
    [['--from', '-', '--api-key-file', '-'], 'cannot both be read from stdin'],
  ])('%j is refused', async (argv, said) => {
    const server = await taking()
    expect(await run(server, argv, { stdin: lines(job) })).toMatchObject({
      code: 2,
      err: expect.stringContaining(said),
    })
    expect(server.requests).toEqual([])
  })
})

describe('list --payload', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.jobs(9, { status: 'failed', domain: 'chatbooks' })
    await world.sql`update jobs set payload = jsonb_build_object('n', id, 'big', 12345678901234567890, 'password', 'hidden-text')`
  })
  afterAll(() => world?.stop())

  it('has the payload of each job in its row, and enqueue takes the rows', async () => {
    // With --timeout one client makes all calls, several of them at once.
    for (const more of [[], ['--all-pages'], ['--timeout', '60s']]) {
      const { code, out } = await world.jobsctl(['list', '--domain', 'chatbooks', '--ndjson', '--payload', ...more])
      expect(code).toBe(0)
      const rows = out.trimEnd().split('\n')
      expect(rows).toHaveLength(9)
      for (const row of rows) {
        const { id, payload } = JSON.parse(row)
        expect(payload.n).toBe(id)
        expect(row).toContain('12345678901234567890')
        expect(row).not.toContain('hidden-text')
      }
    }
    await world.sql`update jobs set payload = payload - 'big'`
    const { out } = await world.jobsctl(['list', '--domain', 'chatbooks', '--ndjson', '--payload', '--raw'])
    expect(out).toContain('hidden-text')
    const again = await world.jobsctl(['enqueue', '--from', '-'], { stdin: out })
    expect(again).toMatchObject({ code: 0, out: 'Enqueued 9 jobs.\n' })
    const copies =
      await world.sql`select payload from jobs where status = 'queued' and payload ->> 'password' = 'hidden-text'`
    expect(copies).toHaveLength(9)
  })

  it.each([[['--payload']], [['--payload', '--ids', '--json']], [['--raw', '--json']]])(
    '%j is refused',
    async (argv) => {
      expect(await world.jobsctl(['list', ...argv])).toMatchObject({ code: 2, out: '' })
    },
  )
})
