import { once } from 'node:events'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import Provider from 'oidc-provider'
import * as z from 'zod'

/** What the tests log in with, and the audience of programs. */
export const client = { id: 'jobs', secret: 'a-secret-of-the-client-of-the-tests' }
export const audience = 'https://jobs.example/api'

/** A private key of the provider. */
export async function newKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' }
}

export interface TestProvider {
  issuer: string
  port: number
  /** An access token for programs, as the provider gives it to a client with these groups. */
  token: () => Promise<string>
  /** How often its keys were fetched. */
  fetches: () => number
  stop: () => Promise<void>
}

interface Options {
  keys: JWK[]
  /** The groups of everybody. */
  groups?: string[]
  port?: number
  redirectUris?: string[]
}

/** A real provider on this machine. */
export async function startProvider({
  keys,
  groups = [],
  port = 0,
  redirectUris = ['https://unused.example/callback'],
}: Options): Promise<TestProvider> {
  let handle: ReturnType<Provider['callback']> | undefined
  let fetches = 0
  const server = createServer((request, response) => {
    if (request.url === '/jwks') fetches += 1
    void handle?.(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const own = typeof address === 'object' && address ? address.port : port
  const issuer = `http://127.0.0.1:${own}`
  const provider = new Provider(issuer, {
    jwks: { keys: [...keys] },
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        grant_types: ['authorization_code', 'client_credentials'],
        response_types: ['code'],
        redirect_uris: redirectUris,
      },
    ],
    claims: { openid: ['sub'], groups: ['groups'] },
    scopes: ['openid', 'groups'],
    conformIdTokenClaims: false,
    cookies: { keys: ['a-key-of-the-tests'] },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, groups }) }),
    extraTokenClaims: () => ({ groups }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        getResourceServerInfo: () => ({ scope: 'api', audience, accessTokenFormat: 'jwt' }),
      },
    },
  })
  handle = provider.callback()
  return {
    issuer,
    port: own,
    fetches: () => fetches,
    token: async () => {
      const body = new URLSearchParams({ grant_type: 'client_credentials', resource: audience, scope: 'api' })
      const authorization = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
      const response = await fetch(`${issuer}/token`, { method: 'POST', body, headers: { authorization } })
      return z.object({ access_token: z.string() }).parse(await response.json()).access_token
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Signing {
  key: JWK
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
}

/** A token that is signed with a key of the provider, and says whatever a test wants. */
export async function signed({ key, claims = {}, header = {} }: Signing): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ aud: audience, sub: 'ann', iat: now, exp: now + 600, groups: ['ops'], ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: key.kid ?? '', ...header })
    .sign(await importJWK(key, 'RS256'))
}
