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
  return [...new Set(next)].filter((word) => /^\w+$/.test(word))
}

describe('a fixed word of a path', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world.stop())

  it.each(withId)('is no id: $method $path', async ({ method, path }) => {
    const own = new Set(all.map((endpoint) => endpoint.path))
    const words = wordsAt(path).filter((word) => !own.has(path.replace(':id', word)))
    expect(words.length).toBeGreaterThan(0)
    for (const word of words) {
      const answer = await world.call(method, path.replace(':id', word), method === 'GET' ? undefined : {}, {
        'x-confirm': 'true',
      })
      expect([word, answer.status]).toEqual([word, 404])
    }
  })

  it.each(withId)('leaves other ids alone: $method $path', async ({ method, path }) => {
    const answer = await world.call(method, path.replace(':id', 'batches'), method === 'GET' ? undefined : {}, {
      'x-confirm': 'true',
    })
    expect(answer.status).toBe(422)
  })

  it('is in the log with the path as people write it', async () => {
    await world.call('POST', '/api/v1/jobs/7/cancel', {}, { 'x-confirm': 'true' })
    expect(world.log.some((line) => line.includes('"route":"/api/v1/jobs/:id/cancel"'))).toBe(true)
  })
})
