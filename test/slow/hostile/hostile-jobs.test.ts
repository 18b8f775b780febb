import fc from 'fast-check'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../../shared/work/job.ts'
import { anyText } from '../../support/hostile/any-text.ts'
import {
  badEventIds,
  badIds,
  badJobFields,
  badJobQueries,
  badJobTexts,
  goodCalls,
} from '../../support/hostile/hostile-job-requests.ts'
import { badBodies } from '../../support/hostile/hostile-requests.ts'
import { held, jobPath, jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

/** What tells where the program lies, or how it is made. */
const leaks = /\n\s+at |node_modules|\.[cm]?[jt]s:\d|file:\/\/|postgres|select |jsonb/i

describe('a bad request about jobs', () => {
  let world: World
  let job: Job
  let before: string
  beforeAll(async () => {
    world = await openWorld('postgres')
    await world.jobs(3, { status: 'queued' })
    await world.jobs(1, { status: 'completed' })
    job = await workerOf(world.post).take({ lease_seconds: 3600 })
    before = await world.fingerprint()
  })
  afterAll(() => world?.stop())

  interface Received {
    status: number
    text: string
    type: string | undefined
  }
  async function send(method: 'GET' | 'POST', path: string, body?: string | Buffer, headers = {}): Promise<Received> {
    const all = { 'x-api-key': world.key, 'content-type': 'application/json', ...headers }
    const answer = await request(`${world.url}${path}`, { method, headers: all, ...(body !== undefined && { body }) })
    const text = await answer.body.text()
    return { status: answer.statusCode, text, type: answer.headers['content-type']?.toString() }
  }
  function expectRefused(what: string, { status, text, type }: Received) {
    expect(status, what).toBeGreaterThanOrEqual(400)
    expect(status, what).toBeLessThan(500)
    expect(type, what).toBe('application/problem+json')
    expect(JSON.parse(text), what).toMatchObject({ status, code: expect.any(String), detail: expect.any(String) })
    expect(text, what).not.toMatch(leaks)
  }

  it('with a body that nobody takes is refused by every call, and changes nothing', async () => {
    for (const [path] of goodCalls(job)) {
      for (const [what, body] of Object.entries(badBodies)) {
        expectRefused(`${path} ${what}`, await send('POST', path, body))
      }
    }
    expect(await world.fingerprint()).toBe(before)
  })

  it('with one bad field is refused with the name of the field, and changes nothing', async () => {
    for (const [path, body] of badJobFields(job)) {
      const text = JSON.stringify(body)
      const what = `${path} ${text.slice(0, 200)}`
      const answer = await send('POST', path, text)
      expectRefused(what, answer)
      expect(answer.status, what).toBe(422)
      expect(JSON.parse(answer.text), what).toMatchObject({
        errors: expect.arrayContaining([{ path: expect.any(String), message: expect.any(String) }]),
      })
    }
    expect(await world.fingerprint()).toBe(before)
  })

  it('with numbers, depths and escapes of raw JSON is refused, and changes nothing', async () => {
    for (const text of badJobTexts) {
      const answer = await send('POST', jobPaths.enqueue, text)
      expectRefused(text.slice(0, 200), answer)
      expect(answer.status, text.slice(0, 200)).toBe(422)
    }
    expect(await world.fingerprint()).toBe(before)
  })

  it('that names a field twice is taken of a worker: the last one counts, as on the other server', async () => {
    const lease = JSON.stringify(job.lease_id)
    const answer = await send('POST', `/api/v1/jobs/${job.id}/leased`, `{"lease_id": "x", "lease_id": ${lease}}`)
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toMatchObject({
      status: 200,
      body: { id: job.id },
    })
    const unknown = await send('POST', '/api/v1/jobs/999999/cancel', '{"reason": "a", "reason": "b"}')
    expect(unknown.status).toBe(404)
    expect(await world.fingerprint()).toBe(before)
  })

  it('names every fault of every job of a batch', async () => {
    const jobs = [
      { domain: 'a', job_type: '', payload: [], priority: 11, extra: 1 },
      { job_type: 'b', payload: {}, depends_on: 5 },
    ]
    const answer = await send('POST', jobPaths.batch, JSON.stringify({ jobs, more: true }))
    const { errors }: { errors: { path: string }[] } = JSON.parse(answer.text)
    expect(errors.map(({ path }) => path).sort()).toEqual(
      [
        'jobs.0.extra',
        'jobs.0.job_type',
        'jobs.0.payload',
        'jobs.0.priority',
        'jobs.1.depends_on',
        'jobs.1.domain',
        'more',
      ].sort(),
    )
  })

  it('about what is no id of a job is refused, and changes nothing', async () => {
    const bodies = {
      renew: held(job),
      complete: held(job),
      release: held(job),
      fail: { ...held(job), error: 'e' },
      cancel: {},
    }
    for (const [step, body] of Object.entries(bodies)) {
      for (const id of badIds) {
        const answer = await send('POST', `${jobPaths.enqueue}/${id}/${step}`, JSON.stringify(body))
        expectRefused(`${step} ${id}`, answer)
        expect([404, 422], `${step} ${id}`).toContain(answer.status)
      }
      const unknown = await send('POST', `${jobPaths.enqueue}/${Number.MAX_SAFE_INTEGER}/${step}`, JSON.stringify(body))
      expect(unknown.status, step).toBe(404)
      const twice = await send('POST', `${jobPaths.enqueue}/${job.id}/${step}`, JSON.stringify({ ...body, id: job.id }))
      expect(twice.status, step).toBe(422)
    }
    expect(await world.fingerprint()).toBe(before)
  })

  it('with a bad query or Last-Event-ID is refused, and a body of a GET is of no account', async () => {
    for (const query of badJobQueries) {
      for (const path of [jobPaths.events, jobPaths.stream, jobPaths.queues]) {
        expectRefused(`${path}?${query}`, await send('GET', `${path}?${query}`))
      }
      expectRefused(query, await send('GET', `${jobPaths.status}?${query}`))
    }
    for (const limit of ['1.5', 'x', '1e2', '12345678901234567']) {
      expectRefused(limit, await send('GET', `${jobPaths.events}?limit=${limit}`))
    }
    for (const id of badEventIds)
      expectRefused(id, await send('GET', jobPaths.stream, undefined, { 'last-event-id': id }))
    for (const path of [jobPaths.events, jobPaths.queues, `${jobPaths.status}?domain=a&queue=b`]) {
      expect((await send('GET', path, '{"domain": 5')).status, path).toBe(200)
    }
    expect(await world.fingerprint()).toBe(before)
  })

  /** Where in a body something may be put in the place of what is there. */
  const placesOf = (value: unknown): string[][] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([name, part]) => [[name], ...placesOf(part).map((rest) => [name, ...rest])])
      : []
  const replaced = (value: unknown, [name, ...rest]: string[], by: unknown): unknown => {
    if (name === undefined) return by
    const copy = Array.isArray(value) ? [...value] : { ...Object(value) }
    Reflect.set(copy, name, replaced(Reflect.get(copy, name), rest, by))
    return copy
  }
  const odd = fc.oneof(
    fc.jsonValue(),
    anyText(),
    fc.string({ unit: 'grapheme', minLength: 100, maxLength: 300 }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
    fc.double(),
    fc.maxSafeInteger(),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constant(undefined),
  )

  it('of any shape near a good one gets no 5xx, tells nothing, and changes nothing when it is refused', async () => {
    const calls = goodCalls(job)
    const mutant = fc.constantFrom(...calls).chain(([path, body]) =>
      fc.record({
        path: fc.constant(path),
        body: fc
          .array(fc.tuple(fc.constantFrom(...placesOf(body), ['more']), odd), { minLength: 1, maxLength: 3 })
          .map((changes) => changes.reduce((whole: unknown, [place, by]) => replaced(whole, place, by), body)),
      }),
    )
    let last = await world.fingerprint()
    let refused = 0
    await fc.assert(
      fc.asyncProperty(mutant, async ({ path, body }) => {
        const answer = await send('POST', path, JSON.stringify(body))
        const now = await world.fingerprint()
        if (answer.status >= 400) {
          expectRefused(path, answer)
          expect(now).toBe(last)
          refused += 1
        }
        last = now
      }),
      { numRuns: 250 },
    )
    expect(refused).toBeGreaterThan(50)
  })

  it('is never logged as a mistake of the server', () => {
    expect(world.log.filter((line) => line.includes('"level":"error"'))).toEqual([])
    expect(world.log.length).toBeGreaterThan(1000)
  })

  it('may name any job: those that are not there are not found', async () => {
    expect((await send('POST', jobPath(4711, 'cancel'), '{}')).status).toBe(404)
  })
})
