import { expect, it } from 'vitest'
import { begunLogins, createAttemptLimit } from '../../../server/auth/attempt-limit.ts'
import { tokenAuthenticator } from '../../../server/auth/token-authenticator.ts'
import { Failure } from '../../../shared/errors.ts'
import { statementsOf } from '../../support/sql/sql-text.ts'

/** A limit whose clock the test sets, with the lines that it has logged. */
function limitAt(counted: Parameters<typeof createAttemptLimit>[1] = {}) {
  const lines: string[] = []
  let ms = 0
  const limit = createAttemptLimit({ warn: (line) => void lines.push(line) }, { now: () => ms, ...counted })
  const wrong = (...keys: string[]): number | undefined => {
    try {
      limit.countAttempt(keys)
      return undefined
    } catch (error) {
      return error instanceof Failure && error.code === 'rate_limited' ? error.retryAfter : Number.NaN
    }
  }
  const pass = (seconds: number) => {
    ms += 1000 * seconds
  }
  return { wrong, pass, lines }
}

const times = (n: number) => Array.from({ length: n }, (_, nth) => nth)

it('takes ten wrong credentials a minute of each address, and says when the next ones count anew', () => {
  const { wrong, pass } = limitAt()
  expect(times(10).map(() => wrong('a'))).toEqual(times(10).map(() => undefined))
  expect(wrong('a')).toBe(60)
  expect(wrong('b')).toBeUndefined()
  pass(50)
  expect(wrong('a')).toBe(10)
  pass(10)
  expect(wrong('a')).toBeUndefined()
})

it('takes thirty begun logins a minute of each address', () => {
  const { wrong, lines } = limitAt({ counts: begunLogins })
  for (const _ of times(30)) expect(wrong('a')).toBeUndefined()
  expect([wrong('a'), wrong('b')]).toEqual([60, undefined])
  expect(lines).toEqual([expect.stringContaining('more than 30 begun logins')])
})

it('counts a token id over all addresses', () => {
  const { wrong } = limitAt()
  for (const nth of times(10)) expect(wrong(`address ${nth}`, 'token t')).toBeUndefined()
  expect(wrong('address 11', 'token t')).toBe(60)
  expect(wrong('address 11', 'token other')).toBeUndefined()
})

it('logs one line a minute, however many are refused', () => {
  const { wrong, pass, lines } = limitAt()
  for (const _ of times(100)) wrong('a', 'token t')
  expect(lines).toEqual([expect.stringContaining('a, token t')])
  pass(60)
  for (const _ of times(100)) wrong('a')
  expect(lines).toHaveLength(2)
})

it('remembers 10,000 keys, and forgets the oldest first', () => {
  const { wrong } = limitAt()
  for (const _ of times(11)) wrong('first')
  for (const nth of times(9999)) wrong(`key ${nth}`)
  expect(wrong('first')).toBe(60)
  wrong('one more')
  expect(wrong('first')).toBeUndefined()
})

it('asks the database once for an unknown token id, however often it is sent', async () => {
  const secret = `jobs_0123456789ab_${'x'.repeat(43)}`
  const codes: unknown[] = []
  const statements = await statementsOf(async (sql) => {
    const { authenticate } = tokenAuthenticator(sql, createAttemptLimit({ warn: () => {} }))
    for (const _ of times(12)) {
      const failed = authenticate({ secret, address: '192.0.2.1' })
      codes.push(await failed.catch((error: unknown) => error instanceof Failure && error.code))
    }
  })
  expect(statements).toHaveLength(1)
  expect(codes).toEqual([...times(10).map(() => 'unauthenticated'), 'rate_limited', 'rate_limited'])
})
