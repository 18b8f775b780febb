import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as endpoints from '../../../shared/endpoints.ts'
import { openWorld, type World } from '../../support/world.ts'

const all = Object.values(endpoints).map((endpoint) => ({ method: 'GET', ...endpoint }))
const withId = all.filter(({ path }) => path.includes('/:id'))

/** The fixed words that stand in some path where this path has its id. */
const wordsAt = (path: string): string[] => {
  const [beginning = ''] = path.split(':id')
  const next = all
    .filter((other) => other.path.startsWith(beginning))
    .map((other) => other.path.slice(beginning.length).split('/')[0] ?? '')
  return [...new Set(next)].filter((word) => /^[\w-]+$/.test(word))
}

/** True where the path with this word instead of its id is another path with an id. */
const isOther = (method: string, path: string, word: string): boolean =>
  withId.some(
    (other) =>
      other.path !== path &&
      other.method === method &&
      new RegExp(`^${other.path.replaceAll(/:\w+/g, '[^/]+')}$`).test(path.replace(':id', word)),
  )

describe('a fixed word of a path', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world.stop())

  it.each(withId)('is no id: $method $path', async ({ method, path }) => {
    const own = new Set(all.map((endpoint) => endpoint.path))
    const words = wordsAt(path).filter((word) => !own.has(path.replace(':id', word)))
    for (const word of words) {
      const answer = await world.call(method, path.replace(':id', word), method === 'GET' ? undefined : {}, {
        'x-confirm': 'true',
      })
      // 405 where another method takes the path, such as GET for `operations/cancel`; 422 where another path takes the rest
      // for its id, such as `operations/:id` for `operations/attachments`.
      const statuses = isOther(method, path, word) ? [422] : [404, 405]
      expect(statuses, `${word}: ${JSON.stringify(answer.body)}`).toContain(answer.status)
    }
  })

  it.each(withId)('leaves other ids alone: $method $path', async ({ method, path }) => {
    const answer = await world.call(method, path.replace(':id', 'batches'), method === 'GET' ? undefined : {}, {
      'x-confirm': 'true',
    })
    expect(answer.status).toBe(422)
  })

  it.each(['complete', 'unknown', 'batch', '1'])('batch is no id in a POST of batch/%s', async (word) => {
    const { status, body } = await world.confirm(`/api/v1/jobs/batch/${word}`, { domain: 'chatbooks' })
    expect({ status, body }).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  it('retry-now is no id in a GET, which the path does not take', async () => {
    expect(await world.call('GET', '/api/v1/jobs/retry-now')).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
    })
  })

  it.each(['unknown', 'Batch', '0', '-1', '1.5', '12345678901234567', '%00', 'a%2Fb'])(
    'any other word is reported as no id: GET %s',
    async (word) => {
      expect(await world.call('GET', `/api/v1/jobs/${word}`)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ path: 'id' }] },
      })
    },
  )

  it('of the rotation of keys is reported as missing in this server', async () => {
    const path = '/api/v1/jobs/crypto/rotate'
    const body = { old_key_b64: 'YQ==', new_key_b64: 'Yg==' }
    for (const answer of [await world.confirm(path, body), await world.call('GET', path)])
      expect(answer).toMatchObject({
        status: 404,
        body: { code: 'not_found', detail: expect.stringContaining('does not rotate keys') },
      })
    expect((await world.confirm(path, body, { 'x-api-key': 'wrong' })).status).toBe(401)
  })

  it('is in the log with the path as people write it', async () => {
    await world.call('POST', '/api/v1/jobs/7/cancel', {}, { 'x-confirm': 'true' })
    expect(world.log.some((line) => line.includes('"route":"/api/v1/jobs/:id/cancel"'))).toBe(true)
  })
})
