import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAttemptLimit } from '../../../server/auth/attempt-limit.ts'
import { tokenAuthenticator } from '../../../server/auth/token-authenticator.ts'
import type { Pool } from '../../../server/database/sql.ts'
import { makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('wrong tokens with ever new ids on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())

  /** The pool, which counts the looks for tokens. */
  function counting(sql: Pool) {
    const looks = { n: 0 }
    const pool = new Proxy(sql, {
      apply: (target, self, args: unknown[]) => {
        if (String(args[0]).includes('from jobs_api_tokens token')) looks.n += 1
        return Reflect.apply(target, self, args)
      },
    })
    return { pool, looks }
  }

  it('cost hardly a query beyond the limit, and a right token from the same address is let in', async () => {
    const { pool, looks } = counting(world.sql)
    const auth = tokenAuthenticator(pool, createAttemptLimit({ warn: () => {} }))
    const ask = (secret: string) =>
      auth.authenticate({ secret, address: '203.0.113.1' }).then(
        ({ id }) => id,
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'none'),
      )
    const right = await makeToken(world.sql, 'right')
    const wrong = (nth: number) => `${right.slice(0, 5)}${String(nth).padStart(12, '0')}${right.slice(17)}`
    for (let nth = 0; nth < 10; nth++) expect(await ask(wrong(nth))).toBe('unauthenticated')
    looks.n = 0
    const flood = Array.from({ length: 500 }, (_, nth) => ask(wrong(100 + nth)))
    const [before, made] = [ask(right), makeToken(world.sql, 'made just now').then(ask)]
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['rate_limited']))
    expect(await before).toBe(right.split('_')[1])
    expect(await made).toMatch(/^[0-9a-f]{12}$/)
    expect(looks.n).toBeLessThan(10)
  })
})
