import { expect, it } from 'vitest'
import { createProviderKeys } from '../../../../server/auth/oidc/provider-keys.ts'
import { verifyToken } from '../../../../server/auth/oidc/verify-token.ts'
import { Failure } from '../../../../shared/errors.ts'
import { audience, newKey, signed, startProvider } from '../../../support/sign-on/provider.ts'

const minute = 60_000

it('keys of a provider that rotates them, and is away, are taken as the page says', async () => {
  const [first, second] = [await newKey('first'), await newKey('second')]
  let provider = await startProvider({ keys: [first] })
  const { issuer, port } = provider
  const warnings: string[] = []
  let now = 0
  const keys = createProviderKeys({ issuer, log: { warn: (text) => void warnings.push(text) }, now: () => now })
  const [old, young] = await Promise.all([first, second].map((key) => signed({ key, claims: { iss: issuer } })))
  const outcome = (token = '') =>
    verifyToken(token, { issuer, audience, keys }).then(
      () => 'taken',
      (error: unknown) => (error instanceof Failure ? error.code : error),
    )
  const replace = async (...next: (typeof first)[]) => {
    await provider.stop()
    if (next.length > 0) provider = await startProvider({ keys: next, port })
  }
  try {
    expect([await outcome(old), await outcome(young)]).toEqual(['taken', 'unauthenticated'])
    await replace(second, first)
    now += minute - 1
    expect(await outcome(young)).toBe('unauthenticated')
    now += 1
    expect([await outcome(young), await outcome(old), warnings]).toEqual(['taken', 'taken', []])
    // A key that was taken back is taken for five minutes at most.
    await replace(second)
    now += 5 * minute
    expect([await outcome(young), await outcome(old)]).toEqual(['taken', 'unauthenticated'])
    await replace()
    now += 60 * minute - 1
    expect(await outcome(young)).toBe('taken')
    now += 1
    expect([await outcome(young), await outcome(old)]).toEqual(['sign_on_unavailable', 'sign_on_unavailable'])
    provider = await startProvider({ keys: [second], port })
    now += minute
    expect(await outcome(young)).toBe('taken')
  } finally {
    await provider.stop().catch(() => {})
  }
})
