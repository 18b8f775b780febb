import { once } from 'node:events'
import { createServer } from 'node:http'
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
    // A key that was taken back is taken until the first call after five minutes has fetched the keys again.
    await replace(second)
    now += 5 * minute
    expect(await outcome(young)).toBe('taken')
    await expect.poll(() => outcome(old)).toBe('unauthenticated')
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

it('a provider that hangs keeps nobody waiting whose key is known, and is asked once a minute', async () => {
  const key = await newKey('known')
  const provider = await startProvider({ keys: [key] })
  const { issuer, port } = provider
  let now = 0
  const warnings: string[] = []
  const keys = createProviderKeys({ issuer, log: { warn: (text) => void warnings.push(text) }, now: () => now })
  const token = await signed({ key, claims: { iss: issuer } })
  const verify = () => verifyToken(token, { issuer, audience, keys })
  await verify()
  await provider.stop()
  let asked = 0
  const hanging = createServer(() => {
    asked += 1
  })
  hanging.listen(port, '127.0.0.1')
  await once(hanging, 'listening')
  try {
    now += 5 * minute
    await Promise.all([verify(), verify()])
    await expect.poll(() => asked).toBe(1)
    now += minute
    // The fetch still hangs, so that nothing has waited for its end, and nobody has begun another.
    await verify()
    expect({ asked, warnings }).toEqual({ asked: 1, warnings: [] })
  } finally {
    hanging.closeAllConnections()
    hanging.close()
  }
})
