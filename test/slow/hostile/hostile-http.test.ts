import fc from 'fast-check'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anyText } from '../../support/hostile/any-text.ts'
import { badBodies, badFields, badPaths, badQueries, rawRequests } from '../../support/hostile/hostile-requests.ts'
import { sendRaw, statusesOf } from '../../support/hostile/raw-http.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** What tells where the program lies, or how it is made. */
const leaks = [
  /\n\s+at /,
  /node_modules/,
  /\.[cm]?[jt]s:\d/,
  /file:\/\//,
  /\/(home|root|usr|tmp|var|dist|server)\//,
  /postgres/i,
  /select /i,
]
const posts = [paths.prune, paths.sweep, paths.requeue, paths.integrity]

describe('a bad request', () => {
  let world: World
  let before: string
  beforeAll(async () => {
    world = await openWorld('postgres')
    for (const status of ['completed', 'failed', 'cancelled', 'quarantined', 'queued', 'processing']) {
      await world.jobs(2, { status })
    }
    await world.jobs(2, { status: 'processing', leased_until: null })
    before = await world.fingerprint()
  })
  afterAll(() => world?.stop())

  /** Refused as the caller's fault, in the contract's words, without a word about the inside. */
  function expectRefused(what: string, answer: { status: number; text: string; type?: string | undefined }) {
    expect(answer.status, what).toBeGreaterThanOrEqual(400)
    expect(answer.status, what).toBeLessThan(500)
    expect(answer.type, what).toBe('application/problem+json')
    expect(JSON.parse(answer.text), what).toMatchObject({ status: answer.status, code: expect.any(String) })
    for (const leak of leaks) expect(answer.text, what).not.toMatch(leak)
  }

  async function send(method: 'GET' | 'POST', path: string, body?: string | Buffer) {
    const headers = { 'x-api-key': world.key, 'x-confirm': 'true', 'content-type': 'application/json' }
    const answer = await request(`${world.url}${path}`, { method, headers, ...(body !== undefined && { body }) })
    return {
      status: answer.statusCode,
      text: await answer.body.text(),
      type: answer.headers['content-type']?.toString(),
    }
  }

  it.each(posts)('%s: refuses every bad body, and changes nothing', async (path) => {
    for (const [what, body] of Object.entries(badBodies)) expectRefused(what, await send('POST', path, body))
    expect(await world.fingerprint()).toBe(before)
  })

  it('refuses bodies of millions of escapes and of digits, and cuts a long name', async () => {
    for (const body of [
      `{"domain": "${'\\"'.repeat(3_600_000)}"}`,
      `{"domain": "${'\\"'.repeat(3_600_000)}", "max": 12345678901234567890}`,
      `{"max": 1${'0'.repeat(300_000)}1}`,
    ]) {
      const answer = await send('POST', paths.prune, body)
      expectRefused(body.slice(-40), answer)
      expect(answer.status).toBe(422)
    }
    const name = JSON.stringify('n'.repeat(100_000))
    const { text } = await send('POST', paths.prune, `{${name}: 1, ${name}: 2}`)
    expect(JSON.parse(text)).toMatchObject({ errors: [{ path: 'n'.repeat(128), message: 'is given more than once' }] })
    expect(text.length).toBeLessThan(1000)
    expect(await world.fingerprint()).toBe(before)
  })

  it('refuses every bad field, and changes nothing', async () => {
    for (const [path, body] of badFields) {
      const answer = await send('POST', path, JSON.stringify(body))
      expectRefused(`${path} ${JSON.stringify(body)}`, answer)
      expect(answer.status, `${path} ${JSON.stringify(body)}`).toBe(422)
    }
    expect(await world.fingerprint()).toBe(before)
  })

  it('refuses every bad query and path', async () => {
    for (const query of badQueries) expectRefused(query, await send('GET', `${paths.stats}?${query}`))
    for (const path of badPaths) expectRefused(path, await send('GET', path))
    // A filter in the wrong place would be one that was never meant to be left out.
    for (const path of posts) expectRefused(path, await send('POST', `${path}?domain=nothing&dry_run=true`, '{}'))
    expect(await world.fingerprint()).toBe(before)
  })

  it('survives every malformed request, and changes nothing', async () => {
    for (const [what, bytes] of Object.entries(rawRequests(world.key))) {
      const answer = await sendRaw(world.url, bytes)
      for (const status of statusesOf(answer)) {
        expect(status, `${what}: ${answer}`).toBeGreaterThanOrEqual(400)
        expect(status, `${what}: ${answer}`).toBeLessThan(500)
      }
      const unlessEmpty = answer === '' ? [] : statusesOf(answer)
      expect(unlessEmpty.length, `${what}: ${answer}`).toBe(answer === '' ? 0 : Math.max(unlessEmpty.length, 1))
      if (answer !== '') expect(answer, what).toMatch(/^x-request-id: ./im)
      for (const leak of leaks) expect(answer, what).not.toMatch(leak)
    }
    expect(await world.fingerprint()).toBe(before)
    expect((await world.call('GET', paths.stats)).status).toBe(200)
  })

  const fields = [
    'domain',
    'queue',
    'job_type',
    'statuses',
    'older_than_days',
    'dry_run',
    'max',
    'age_seconds',
    'action',
  ]
  const key = fc.oneof(
    fc.constantFrom(...fields, 'job_id', 'runtime_seconds', 'detail_top_k', 'fix', '__proto__'),
    fc.string(),
  )
  const body = fc.dictionary(key, fc.oneof(fc.jsonValue(), anyText(), fc.double(), fc.maxSafeInteger()))

  it('of any shape gets no 5xx, tells nothing, and without a confirmation changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...posts), body, async (path, fields) => {
        const sent = path === paths.integrity ? { ...fields, fix: false } : fields
        const answer = await world.post(path, sent)
        expect(answer.status).toBeLessThan(500)
        for (const leak of leaks) expect(JSON.stringify(answer.body)).not.toMatch(leak)
      }),
      { numRuns: 200 },
    )
    expect(await world.fingerprint()).toBe(before)
  })

  it('of any bytes gets no 5xx, and changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...posts), fc.uint8Array({ maxLength: 60 }), async (path, bytes) => {
        const answer = await send('POST', path, Buffer.concat([Buffer.from('['), bytes]))
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.status).toBeLessThan(500)
      }),
      { numRuns: 100 },
    )
    expect(await world.fingerprint()).toBe(before)
  })

  it('with any header values gets no 5xx, and changes nothing', async () => {
    const value = fc.string({
      unit: fc
        .integer({ min: 0x20, max: 0xff })
        .map((code) => (code === 0x7f ? 0x20 : code))
        .map((code) => String.fromCharCode(code)),
    })
    const name = fc.constantFrom('x-request-id', 'x-as-of', 'x-reason', 'accept', 'content-type', 'if-none-match')
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value), async (headers) => {
        const answer = await world.post(paths.prune, { dry_run: true }, headers)
        expect(answer.status).toBeLessThan(500)
      }),
      { numRuns: 100 },
    )
    expect(await world.fingerprint()).toBe(before)
  })

  it('is never logged as a mistake of the server', () => {
    expect(world.log.filter((line) => line.includes('"level":"error"'))).toEqual([])
    expect(world.log.length).toBeGreaterThan(150)
  })
})
