import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { type FakeServer, fakeServer } from '../../../support/fakes/fake-server.ts'
import { type JobsctlOptions, runJobsctl } from '../../../support/programs/jobsctl.ts'
import { atTerminal } from '../../../support/programs/terminal.ts'

const esc = '\u001b'
const env = ({ url }: FakeServer) => ({ JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key' })
const run = (server: FakeServer, argv: string[], options: JobsctlOptions = {}) =>
  runJobsctl(argv, { ...options, env: { ...env(server), ...options.env } })

/** A server that takes a job in, and answers no more of it than was requested. */
const taking = (more: object = {}) =>
  fakeServer(({ method, path, body }) => {
    if (method !== 'POST' || path !== '/api/v1/jobs') throw new Error(`requested ${method} ${path}`)
    const job = { id: 8123, uuid: 'b7c0', ...Object(body), status: 'queued', created: true, ...more }
    return { status: 201, body: job }
  })

const export_ = ['enqueue', 'chatbooks/default', '--job-type', 'export']
const bodiesOf = ({ requests }: FakeServer) => requests.map(({ body }) => body)
const fileWith = async (text: string) => {
  const path = join(await newFolder('payload'), 'job.json')
  await writeFile(path, text)
  return path
}

describe('enqueue', () => {
  it('puts a job in, with a sentence for everyone and an object for programs', async () => {
    const server = await taking()
    const [plain, quiet, json, lines, person] = await Promise.all([
      run(server, [...export_, '--yes']),
      run(server, [...export_, '-q']),
      run(server, [...export_, '--json']),
      run(server, [...export_, '--ndjson']),
      atTerminal(export_, { env: env(server) }),
    ])
    const sentence = 'Enqueued job 8123 in chatbooks/default (export).\n'
    expect(plain).toEqual({ code: 0, out: sentence, err: '' })
    expect(quiet).toEqual({ code: 0, out: '', err: '' })
    const place = { domain: 'chatbooks', queue: 'default', job_type: 'export' }
    const object = { operation: 'enqueue', created: true, id: 8123, uuid: 'b7c0', ...place, status: 'queued' }
    expect(json).toEqual({ code: 0, out: `${JSON.stringify(object)}\n`, err: '' })
    expect(lines).toEqual(json)
    expect(person).toMatchObject({ code: 0, screen: sentence })
    // What was not given is left to the server.
    expect(bodiesOf(server)).toEqual(Array(5).fill({ ...place, payload: {} }))
  })

  it('a job that was there already is not an error', async () => {
    const server = await taking({ created: false, status: 'completed' })
    const argv = [...export_, '--idempotency-key', 'book-7']
    const [text, json] = await Promise.all([run(server, argv), run(server, [...argv, '--json'])])
    expect(text).toEqual({
      code: 0,
      out: 'Job 8123 already has this key and is completed; nothing was enqueued.\n',
      err: '',
    })
    expect(JSON.parse(json.out)).toMatchObject({ operation: 'enqueue', created: false, id: 8123, status: 'completed' })
    expect(bodiesOf(server)).toMatchObject(Array(2).fill({ idempotency_key: 'book-7' }))
  })

  it('sends what was given', async () => {
    const server = await taking()
    const more = [
      '--priority',
      '1',
      '--max-retries',
      '0',
      '--delay',
      '15m',
      '--payload',
      '{"book":7,"deep":{"a":[null]}}',
    ]
    await run(server, [...export_, ...more])
    expect(bodiesOf(server)).toEqual([
      {
        ...{ domain: 'chatbooks', queue: 'default', job_type: 'export' },
        payload: { book: 7, deep: { a: [null] } },
        priority: 1,
        max_retries: 0,
        delay_seconds: 900,
      },
    ])
  })

  it.each([
    ['that an older server does not know', '15m', 900, ['delay_seconds', 'available_at']],
    ['that is longer than a server counts', '400d', 400 * 86_400, ['available_at']],
  ])('sends a delay %s as a time', async (_what, delay, wait, fields) => {
    const refused = {
      status: 422,
      body: { code: 'invalid_request', errors: [{ path: 'delay_seconds', message: 'is not a known field' }] },
    }
    const place = { domain: 'chatbooks', queue: 'default', job_type: 'export' }
    const taken = { status: 201, body: { id: 8123, uuid: 'b7c0', ...place, status: 'queued', created: true } }
    const server = await fakeServer(({ body }) => ('delay_seconds' in Object(body) ? refused : taken))
    const before = Date.now()
    expect(await run(server, [...export_, '--delay', delay])).toMatchObject({ code: 0, err: '' })
    const bodies = bodiesOf(server).map((body) => Object(body))
    expect(bodies.map((body) => fields.filter((field) => field in body))).toEqual(fields.map((field) => [field]))
    const due = Date.parse(bodies.at(-1).available_at) - wait * 1000
    expect(due).toBeGreaterThanOrEqual(before)
    expect(due).toBeLessThanOrEqual(Date.now())
  })

  it('takes its payload from a file or from stdin', async () => {
    const server = await taking()
    const payload = { name: 'ü 🙃', n: 1 }
    const path = await fileWith(`${JSON.stringify(payload, undefined, 2)}\n`)
    await run(server, [...export_, '--payload', `@${path}`])
    await run(server, [...export_, '--payload', '-'], { stdin: JSON.stringify(payload) })
    expect(bodiesOf(server)).toMatchObject([{ payload }, { payload }])
  })

  it('carries a reason and a key of its own, and never a confirmation', async () => {
    const server = await taking()
    await run(server, [...export_, '--yes', '--reason', 'a try'])
    await run(server, export_)
    expect(server.requests.map(({ headers }) => headers['x-reason'])).toEqual([
      'a try',
      expect.stringMatching(/^jobsctl by /),
    ])
    expect(new Set(server.requests.map(({ headers }) => headers['idempotency-key'])).size).toBe(2)
    for (const { headers } of server.requests) expect(Object.keys(headers)).not.toContain('x-confirm')
  })

  it('what a server sent is no control of the terminal', async () => {
    const server = await taking({ job_type: `a${esc}[2J`, domain: `b${esc}[2J`, status: `c${esc}[2J` })
    const [text, json] = await Promise.all([run(server, export_), run(server, [...export_, '--json'])])
    expect(text.out).toBe('Enqueued job 8123 in b\\x1b[2J/default (a\\x1b[2J).\n')
    expect(json.out).not.toContain(esc)
  })

  it('is sent once, and tells where to look when the answer is lost', async () => {
    const server = await fakeServer(() => 'reset')
    const { code, err } = await run(server, [...export_, '--url', server.url, '--retries', '5'])
    expect(code).toBe(7)
    expect(server.requests).toHaveLength(1)
    const look = `jobsctl events --domain chatbooks --queue default --job-type export --url ${server.url}`
    expect(err).toContain(`; the server may still finish it\n  hint: to see whether it was made: ${look}\n`)
  })

  it('tells faults that the server found in the words of the command line', async () => {
    const errors = [{ path: 'available_at', message: 'is too late' }]
    const server = await fakeServer(() => ({ status: 422, body: { detail: 'no', code: 'invalid_request', errors } }))
    const err = 'error: --delay: is too late\n  hint: jobsctl enqueue --help\n'
    expect(await run(server, export_)).toMatchObject({ code: 2, err })
  })

  it('--curl prints the call, and sends nothing', async () => {
    const server = await taking()
    const { code, out } = await run(server, [...export_, '--payload', `{"it's":1}`, '--curl'])
    expect(code).toBe(0)
    expect(out).toContain('curl -X POST "$BASE/api/v1/jobs" \\\n')
    expect(out).toContain(`'{"domain":"chatbooks","queue":"default","job_type":"export","payload":{"it'\\''s":1}}'`)
    expect(out).not.toContain('X-Confirm')
    expect(server.requests).toEqual([])
  })

  it.each([
    [['enqueue'], 'enqueue needs <domain>/<queue>'],
    [['enqueue', 'a/b', 'c/d', '--job-type', 'a'], 'too many arguments'],
    [['enqueue', 'a/b'], '--job-type: is required'],
    [['enqueue', 'a/b', '--job-type', ' '], '--job-type: must not be blank'],
    [[...export_, '--payload', '{'], '--payload: must be JSON'],
    [[...export_, '--payload', '{"of":{"book":7,"book":8}}'], '--payload: has the key "of.book" twice'],
    [[...export_, '--payload', '[1]'], '--payload: must be an object'],
    [[...export_, '--payload', 'null'], '--payload: must be an object'],
    [[...export_, '--payload', '"text"'], '--payload: must be an object'],
    [
      [...export_, '--payload', '@/nowhere/at.all'],
      '--payload: cannot read /nowhere/at.all: no such file or directory',
    ],
    [[...export_, '--payload', '-'], '--payload: must be JSON'],
    [[...export_, '--payload', '-', '--api-key-file', '-'], 'cannot both be read from stdin'],
    [[...export_, '--priority', '11'], '--priority: must be at most 10'],
    [[...export_, '--priority', '1.5'], '--priority: must be a whole number'],
    [[...export_, '--priority', 'high', '--max-retries', '101'], '--max-retries: must be at most 100'],
    [[...export_, '--delay', 'soon'], '--delay: must be a duration'],
    [[...export_, '--delay', '99999w'], '--delay: must be at most 3650d'],
    [[...export_, '--idempotency-key', 'x'.repeat(257)], '--idempotency-key: must be at most 256 characters'],
    [[...export_, '--dry-run'], '--dry-run: enqueue acts at once'],
    [[...export_, '--max', '5'], '--max: enqueue acts at once'],
  ])('%j is refused, and nothing is sent', async (argv, detail) => {
    const server = await taking()
    const { code, out, err } = await run(server, argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(detail)
    expect(server.requests).toEqual([])
  })
})
