import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { createClientConfiguration } from '../../../server/auth/oidc/client-configuration.ts'

it('what a provider says of itself is fetched once for all callers, and again five seconds after a failure', async () => {
  let asked = 0
  let isAway = true
  const server = createServer((_request, response) => {
    asked += 1
    response.statusCode = isAway ? 500 : 200
    response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks`, scopes_supported: ['email'] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const issuer = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  let now = 0
  const settings = { issuer, clientId: 'jobs', clientSecretFile: undefined, audience: undefined, roles: [] }
  const configuration = createClientConfiguration(settings, () => now)
  const outcome = () =>
    configuration.get().then(
      ({ scope }) => scope,
      () => 'failed',
    )
  const outcomes = () => Promise.all(Array.from({ length: 5 }, outcome))
  try {
    expect([await outcomes(), asked]).toEqual([Array(5).fill('failed'), 1])
    now += 4999
    expect([await outcome(), asked]).toEqual(['failed', 1])
    isAway = false
    now += 1
    expect([await outcomes(), asked]).toEqual([Array(5).fill('openid email'), 2])
    isAway = true
    now += 5 * 60_000 - 1
    expect([await outcome(), asked]).toEqual(['openid email', 2])
    now += 1
    expect([await outcomes(), asked]).toEqual([Array(5).fill('failed'), 3])
    isAway = false
    await configuration.readSecretAgain()
    expect([await outcomes(), asked]).toEqual([Array(5).fill('openid email'), 4])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
