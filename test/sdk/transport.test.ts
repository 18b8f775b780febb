import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Client, type ClientOptions, createClient, JobsError } from '../../sdk/client.ts'
import { runWorker } from '../../sdk/worker.ts'
import { deadServer, fakeServer, type Reply } from '../support/fakes/fake-server.ts'
import { until } from '../support/poll.ts'
import { startWorker } from '../support/sdk/running-worker.ts'

const apiKey = 'secret"key\\of-the-tests'

async function clientOf(reply: (nth: number) => Reply, options: Partial<ClientOptions> = {}) {
  const server = await fakeServer((_request, nth) => reply(nth))
  return { server, client: createClient({ url: server.url, apiKey, ...options }) }
}

const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (answer) => ({ answer }),
    (error: unknown) => error,
  )
const enqueue = (client: Client) => client.enqueue({ domain: 'd', job_type: 't', payload: {} })

// Each of these tests has servers of its own, and some wait for seconds.
describe.concurrent('the client, against servers in trouble', () => {
  it.each([301, 302, 303, 307, 308])(
    'follows no redirect with %i, and shows the key to nobody else',
    async (status) => {
      const other = await fakeServer(() => ({ body: [] }))
      const { client } = await clientOf(() => ({
        status,
        headers: { location: `${other.url}/?${apiKey}` },
        body: apiKey,
      }))
      const error = await failure(client.stats())
      expect(error).toMatchObject({ code: 'unexpected_answer', status })
      const changed = await failure(enqueue(client))
      expect(changed).toMatchObject({ code: status === 303 ? 'outcome_unknown' : 'unexpected_answer' })
      expect(inspect([error, changed], { depth: 20, showHidden: true })).not.toContain('secret')
      expect(other.requests).toEqual([])
    },
  )

  it('masks the key where a server echoes it', async () => {
    const problem = { code: 'conflict', detail: `no ${apiKey} here`, hint: apiKey, request_id: apiKey }
    const { client } = await clientOf(() => ({ status: 409, headers: { 'x-request-id': apiKey }, body: problem }))
    const error = await failure(client.stats())
    expect(error).toMatchObject({ code: 'conflict', message: 'no *** here', hint: '***' })
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('secret')
  })

  it('has one deadline for all tries and the whole answer', async () => {
    const { client, server } = await clientOf(() => 'silence', { timeoutMs: 2000 })
    const [read, change] = await Promise.all([failure(client.stats()), failure(enqueue(client))])
    expect(read).toMatchObject({ code: 'timed_out', status: undefined })
    expect(change).toMatchObject({ code: 'outcome_unknown' })
    expect(server.requests).toHaveLength(2)
    const busy = await clientOf(() => ({
      status: 503,
      headers: { 'retry-after': '60' },
      body: { code: 'database_busy', detail: 'busy' },
    }))
    expect(await failure(busy.client.stats())).toMatchObject({ code: 'database_busy', retryAfter: 60 })
    expect(busy.server.requests).toHaveLength(1)
  })

  it('ends with the signal of its caller, and throws the reason of the signal', async () => {
    const { client } = await clientOf(() => 'silence')
    const reason = new Error('the caller has left')
    const leaving = new AbortController()
    const call = failure(client.stats({}, { signal: leaving.signal }))
    leaving.abort(reason)
    expect(await call).toBe(reason)
    expect(await failure(client.stats({}, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  })

  it('takes no answer that is longer than it may be', async () => {
    const { client } = await clientOf(() => ({ body: [{ text: 'x'.repeat(5000) }] }), { maxResponseBytes: 1000 })
    expect(await failure(client.stats())).toMatchObject({ code: 'unexpected_answer' })
    expect(await failure(enqueue(client))).toMatchObject({ code: 'outcome_unknown' })
  })

  it.each(['<html>', '', 'null', '7'])('takes no answer that no jobs server gives: "%s"', async (body) => {
    const { client } = await clientOf(() => ({ body }))
    expect(await failure(client.stats())).toMatchObject({ code: 'unexpected_answer' })
    expect(await failure(enqueue(client))).toMatchObject({ code: 'outcome_unknown' })
  })

  it('says what broke a call where the error has no code, without the key', async () => {
    const broken = async () => {
      throw new TypeError('fetch failed', { cause: new Error(`no HTTP\nat all: ${apiKey}`) })
    }
    const client = createClient({ url: 'http://127.0.0.1:1', apiKey, retries: 0, fetch: broken })
    expect(await failure(client.stats())).toMatchObject({
      code: 'unreachable',
      message: 'cannot reach http://127.0.0.1:1 (no HTTP at all: ***)',
    })
  })

  it('says which port fetch does not use, and that nothing was sent', async () => {
    const client = createClient({ url: 'http://127.0.0.1:6000', apiKey, retries: 0 })
    expect(await failure(enqueue(client))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('bad port'),
    })
  })

  it('repeats what changed nothing, and never a change whose outcome is unknown', async () => {
    const passing = { status: 503, body: { code: 'database_unavailable', detail: 'gone' } }
    const healed = await clientOf((nth) => (nth < 3 ? passing : { body: { id: 1 } }))
    expect(await enqueue(healed.client)).toMatchObject({ id: 1 })
    expect(healed.server.requests).toHaveLength(3)

    for (const reply of [{ status: 502, body: '<html>' }, 'reset'] as const) {
      const lost = await clientOf(() => reply)
      expect(await failure(enqueue(lost.client))).toMatchObject({ code: 'outcome_unknown', temporary: true })
      expect(lost.server.requests).toHaveLength(1)
    }

    const reading = await clientOf((nth) => (nth === 1 ? 'reset' : { body: [] }))
    expect(await reading.client.stats()).toEqual([])
  })

  it('says that nothing was sent where nobody listens', async () => {
    const server = await deadServer()
    const client = createClient({ url: server.url, apiKey, retries: 0 })
    const error = await failure(enqueue(client))
    expect(error).toMatchObject({ code: 'unreachable' })
    expect(error instanceof JobsError && error.message).toContain('ECONNREFUSED')
  })

  it('says that a page in place of an answer is no JSON, and with which status it came', async () => {
    const { client } = await clientOf(() => ({ headers: { 'content-type': 'text/html' }, body: '<h1>Welcome</h1>' }))
    expect(await failure(client.stats())).toMatchObject({ code: 'unexpected_answer', status: 200 })
    expect(await failure(enqueue(client))).toMatchObject({ code: 'outcome_unknown', status: 200 })
  })

  it('reads errors of servers without codes', async () => {
    const { client } = await clientOf(() => ({ status: 404, body: { detail: 'Not Found' } }))
    expect(await failure(client.stats())).toMatchObject({ code: 'not_found', message: 'Not Found' })
    const odd = await clientOf(() => ({
      status: 422,
      body: {
        detail: [{ loc: ['query', 'x'], msg: 'bad' }, { msg: 'late' }, { loc: 'y', msg: 1 }, null],
        errors: [7, null],
      },
    }))
    expect(await failure(odd.client.stats())).toMatchObject({
      ...{ code: 'invalid_request', message: 'x bad; late' },
      faults: [
        { path: 'x', message: 'bad' },
        { path: '', message: 'late' },
      ],
    })
    const whole = await clientOf(() => ({
      status: 422,
      body: { errors: [{ path: '', message: 'the body is too deep' }] },
    }))
    expect(await failure(whole.client.stats())).toMatchObject({ message: 'the body is too deep' })
  })

  it('reads a change that reports its progress, to its answer or its error', async () => {
    const progress = { progress: { operation_id: 1, affected: 1, total: null, batches: 1, elapsed_ms: 1 } }
    const error = { error: { status: 503, code: 'partial', detail: 'stopped half-way' } }
    const told: unknown[] = []
    const run = async (lines: unknown[]) => {
      const server = await fakeServer(() => ({ lines }))
      const client = createClient({ url: server.url, apiKey })
      return failure(client.prune({}, { confirm: true, onProgress: (at) => told.push(at) }))
    }
    expect(await run([progress, { result: { deleted: 3 } }])).toEqual({ answer: { deleted: 3 } })
    expect(told).toEqual([progress.progress])
    expect(await run([progress, error])).toMatchObject({ code: 'partial', status: 503 })
    expect(await run([progress])).toMatchObject({ code: 'outcome_unknown' })
    expect(await run([progress, 'reset'])).toMatchObject({ code: 'outcome_unknown' })
    expect(await run(['no JSON\n'])).toMatchObject({ code: 'outcome_unknown' })
  })

  it('gives an answer as it is, also where the key is a part of it', async () => {
    const progress = { progress: { operation_id: 1, affected: 1, total: null, batches: 1, elapsed_ms: 1 } }
    for (const key of ['1', 'deleted', 'error']) {
      const server = await fakeServer((_request, nth) => ({
        lines: [
          progress,
          nth === 1 ? { result: { deleted: 11 } } : { error: { status: 503, code: 'partial', detail: `of ${key}` } },
        ],
      }))
      const client = createClient({ url: server.url, apiKey: key })
      const prune = () => failure(client.prune({}, { confirm: true, onProgress: () => {} }))
      expect(await prune()).toEqual({ answer: { deleted: 11 } })
      expect(await prune()).toMatchObject({ code: 'partial', status: 503, message: 'of ***' })
    }
  })

  it('waits for a job with the longest deadline that there is', async () => {
    const { client } = await clientOf(() => ({ body: { jobs: [] } }), { timeoutMs: 2 ** 31 - 1 })
    for (const wait_seconds of [60, Number.POSITIVE_INFINITY, Number.NaN])
      expect(await client.acquire({ domain: 'd', worker_id: 'w', wait_seconds })).toEqual({ jobs: [] })
  })

  it.each(['two\nlines', 'NUL \0', 'bell \x07', 'delete \x7f'])(
    'sends no header that cannot be one: %j',
    async (text) => {
      const { client, server } = await clientOf(() => ({ body: { deleted: 0 } }))
      const withReason = await failure(client.prune({}, { confirm: true, reason: text }))
      expect(withReason).toBeInstanceOf(TypeError)
      expect(withReason).toMatchObject({ message: expect.stringMatching(/^reason /) })
      const withKey = await failure(client.prune({}, { confirm: true, idempotencyKey: text }))
      expect(withKey).toMatchObject({ message: expect.stringMatching(/^idempotencyKey /) })
      expect(server.requests).toEqual([])
      await client.prune({}, { confirm: true, reason: 'one\tline, naïve \u{1F600}' })
    },
  )

  it.each([
    ['EPROTO', 'outcome_unknown'],
    ['ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC', 'outcome_unknown'],
    ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'outcome_unknown'],
    ['ECONNRESET', 'outcome_unknown'],
    ['ECONNREFUSED', 'unreachable'],
    ['UND_ERR_CONNECT_TIMEOUT', 'unreachable'],
    ['CERT_HAS_EXPIRED', 'unreachable'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unreachable'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'unreachable'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'unreachable'],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'unreachable'],
  ])('repeats no change that may have been sent: %s', async (code, known) => {
    let tried = 0
    const fetch = async () => {
      tried++
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('TLS'), { code }) })
    }
    const client = createClient({ url: 'https://127.0.0.1:1', fetch, retries: 1 })
    expect(await failure(enqueue(client))).toMatchObject({ code: known })
    expect(tried).toBe(known === 'unreachable' ? 2 : 1)
  })

  it('refuses options that cannot be right, without repeating a secret', () => {
    const refused = (options: ClientOptions): unknown => {
      try {
        return createClient(options)
      } catch (error) {
        return error
      }
    }
    const url = 'http://127.0.0.1:1'
    for (const options of [
      { url, apiKey: 'secret\nkey' },
      { url, apiKey: '' },
      { url, token: 'sécret' },
      { url, apiKey: 'secret', token: 'secret' },
      { url: 'http://me:secret@127.0.0.1' },
      { url: 'ftp://secret' },
      { url: 'secret' },
      { url: 'http://127.0.0.1/?key=secret' },
      { url, timeoutMs: Number.NaN },
      { url, retries: -1 },
    ]) {
      const error = refused(options)
      expect(error).toBeInstanceOf(TypeError)
      expect(inspect(error)).not.toMatch(/s[eé]cret/)
    }
  })

  it.each(['', '.', '..'])('makes no other call of a name that a URL takes away: "%s"', async (name) => {
    const { client, server } = await clientOf(() => ({ body: {} }))
    expect(await failure(client.removeEventCursor({ name }))).toBeInstanceOf(TypeError)
    await client.removeEventCursor({ name: '../a b' })
    expect(server.requests.map(({ path }) => path)).toEqual(['/api/v1/jobs/events/cursors/..%2Fa%20b/remove'])
  })
})

describe('workers and streams, against servers in trouble', () => {
  it('ends a worker whose server is no jobs server', async () => {
    const server = await fakeServer(() => ({ body: {} }))
    const worker = runWorker({ url: server.url, domain: 'd', handlers: { '*': () => 1 }, handleSignals: false })
    await expect(worker).rejects.toMatchObject({ code: 'unexpected_answer' })
  })

  it('asks again where a proxy sends JSON of its own in place of jobs, and of the results of finishes', async () => {
    const job = { id: 1, job_type: 'print', lease_id: 'lease-1', payload: {}, retry_count: 0 }
    const replies = new Map([
      ['acquire', [{ message: 'maintenance' }, { jobs: [job] }]],
      [
        'finish',
        [{ message: 'maintenance' }, { results: [] }, { results: [{ id: 1, ok: true, status: 'completed' }] }],
      ],
    ])
    const server = await fakeServer(({ path }) => {
      const body = replies.get(path.split('/').at(-1) ?? '')?.shift()
      return body ? { body } : 'silence'
    })
    const { events } = startWorker({ url: server.url, domain: 'd', handlers: { print: () => 'done' } })
    await until('the job has ended', () => events.some(({ event }) => event === 'completed' || event === 'failed'))
    const finishes = server.requests.filter(({ path }) => path.endsWith('/finish')).map(({ body }) => body)
    expect(finishes).toEqual(Array(3).fill({ jobs: [expect.objectContaining({ action: 'complete', result: 'done' })] }))
  })

  it.each([403, 404])('asks again where a proxy sends a page with status %i, of all calls alike', async (status) => {
    const job = { id: 1, job_type: 'print', lease_id: 'lease-1', payload: {}, retry_count: 0 }
    const page = { status, headers: { 'content-type': 'text/html' }, body: '<h1>nothing here</h1>' }
    const replies = new Map<string, Reply[]>([
      ['acquire', [page, { body: { jobs: [job] } }]],
      ['cancel_requests', [page]],
      ['finish', [page, page, { body: { results: [{ id: 1, ok: true, status: 'completed' }] } }]],
    ])
    const server = await fakeServer(({ path }) => replies.get(path.split('/').at(-1) ?? '')?.shift() ?? 'silence')
    const { events } = startWorker({ url: server.url, domain: 'd', handlers: { print: () => 'done' } })
    await until('the job has ended', () => events.some(({ event }) => event === 'completed' || event === 'lost'))
    expect(events.at(-1)).toMatchObject({ event: 'completed', job_id: 1 })
  })

  it('ends a worker at once whose server says that there is no such call', async () => {
    const server = await fakeServer(() => ({ status: 404, body: { detail: 'Not Found' } }))
    const worker = startWorker({ url: server.url, domain: 'd', handlers: { print: () => 1 } })
    await expect(worker.ended).rejects.toMatchObject({ code: 'not_found' })
    expect(server.requests).toHaveLength(1)
  })

  /** A client whose server sends a stream in pieces of so many bytes. */
  const streaming = (text: string, size: number) => {
    const bytes = new TextEncoder().encode(text)
    let at = 0
    const pull = (body: ReadableStreamDefaultController) => {
      if (at >= bytes.length) return body.close()
      body.enqueue(bytes.slice(at, at + size))
      at += size
    }
    const headers = { 'Content-Type': 'text/event-stream' }
    return createClient({
      url: 'http://127.0.0.1:1',
      fetch: async () => new Response(new ReadableStream({ pull }), { headers }),
    })
  }

  it.each([1, 2, 3, 5, 7, 1000])('reads messages that come in pieces of %i bytes', async (size) => {
    const texts = ['ä', 'b', '\u{1F4DA}']
    const stream = texts.map((text) => `data: ${JSON.stringify(text)}\n\n`).join('\n')
    const found: unknown[] = []
    for await (const { data } of streaming(stream, size).eventStream()) found.push(data)
    expect(found).toEqual(texts)
  })

  it('reads a long message in a time that does not grow with the square of its length', async () => {
    const timeOf = async (length: number) => {
      const text = 'x'.repeat(length)
      const start = process.cpuUsage()
      const { value } = await streaming(`data: "${text}"\n\n`, 16_384).statsStream().next()
      const { user, system } = process.cpuUsage(start)
      expect(value).toMatchObject({ data: text })
      return user + system
    }
    const short = await timeOf(4 * 2 ** 20)
    // A time that grows with the length is 12 times as long, and one that grows with its square 144 times.
    expect((await timeOf(48 * 2 ** 20)) / short).toBeLessThan(60)
  })

  it('takes a base path, with a slash at its end or without', async () => {
    const server = await fakeServer(() => ({ body: [] }))
    for (const base of ['/team', '/team/']) await createClient({ url: `${server.url}${base}` }).stats({ domain: 'a b' })
    expect(server.requests.map(({ path }) => path)).toEqual(Array(2).fill('/team/api/v1/jobs/stats?domain=a+b'))
  })
})
