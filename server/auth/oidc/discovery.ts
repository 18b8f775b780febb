import * as z from 'zod'
import { fetchJson } from './fetch-json.ts'

const Metadata = z
  .object({
    issuer: z.string(),
    jwks_uri: z.string(),
    scopes_supported: z.array(z.string()).default([]),
    token_endpoint_auth_methods_supported: z.array(z.string()).default(['client_secret_basic']),
  })
  .catchall(z.json())
export type Metadata = z.output<typeof Metadata>

/**
 * What a provider says of itself.
 * @throws Error
 */
export async function discover(issuer: string): Promise<Metadata> {
  const found = Metadata.parse(await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`))
  if (found.issuer === issuer) return found
  throw new Error(`${issuer} calls itself ${JSON.stringify(found.issuer.slice(0, 200))}`)
}
