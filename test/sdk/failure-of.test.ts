import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { failureOf } from '../../sdk/work/failure-of.ts'
import { JobFailure } from '../../sdk/worker.ts'

const throwing = (): never => {
  throw new Error('a getter')
}

describe('what a worker sends of what a handler throws', () => {
  it.each([
    { backoffSeconds: 86_400, sent: 3600 },
    { backoffSeconds: -1, sent: 0 },
    { backoffSeconds: 1.5, sent: 1.5 },
    { backoffSeconds: Number.NaN, sent: undefined },
    { backoffSeconds: Number.POSITIVE_INFINITY, sent: undefined },
    { backoffSeconds: undefined, sent: undefined },
  ])('asks for a pause that a server takes: $backoffSeconds', ({ backoffSeconds, sent }) => {
    const failure = failureOf(new JobFailure('quota', { ...(backoffSeconds !== undefined && { backoffSeconds }) }))
    expect(failure).toMatchObject({ error: 'quota', retryable: true })
    expect(failure).not.toHaveProperty('error_code')
    expect(failure.backoff_seconds).toBe(sent)
  })

  it.each([
    { what: 'an object that is no error', thrown: { message: 'no disk', code: 'E_DISK' }, name: 'Error' },
    {
      what: 'an error of another realm',
      thrown: runInNewContext('Object.assign(new TypeError("no disk"), { code: "E_DISK" })'),
      name: 'TypeError',
    },
  ])(
    'reads the message and the class of $what, and sends no code, since that would count towards quarantine',
    ({ thrown, name }) => {
      expect(failureOf(thrown)).toMatchObject({ error: 'no disk', error_class: name })
      expect(failureOf(thrown)).not.toHaveProperty('error_code')
    },
  )

  it('sends the code of a JobFailure, and none that is blank', () => {
    expect(failureOf(new JobFailure('x', { code: 'E_DISK' }))).toMatchObject({ error_code: 'E_DISK' })
    expect(failureOf(new JobFailure('x', { code: ' ' }))).not.toHaveProperty('error_code')
  })

  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  it.each([
    { what: 'no prototype', thrown: Object.create(null) },
    { what: 'nothing', thrown: undefined },
    { what: 'a symbol', thrown: Symbol('s') },
    { what: 'a revoked proxy', thrown: revoked.proxy },
    { what: 'a message that is no text', thrown: Object.assign(new Error('x'), { message: { deep: 1 } }) },
    { what: 'a stack that is no text', thrown: Object.assign(new Error('x'), { stack: ['frame'] }) },
    { what: 'a getter that throws', thrown: Object.defineProperty(new Error('x'), 'code', { get: throwing }) },
    { what: 'a text that throws', thrown: { toString: throwing } },
    { what: 'a name that is no text', thrown: Object.assign(new JobFailure('x'), { name: null }) },
  ])('never throws itself: $what', ({ thrown }) => {
    const { error, error_class, error_stack = '' } = failureOf(thrown)
    for (const text of [error, error_class]) expect(text).toMatch(/\S/)
    expect(error_stack).toBeTypeOf('string')
  })
})
