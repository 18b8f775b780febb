import { readFile } from 'node:fs/promises'
import * as client from 'openid-client'
import { Failure } from '../../../shared/errors.ts'
import { errorText } from '../../log/system-error.ts'
import { discover, type Metadata } from './discovery.ts'
import type { OidcSettings } from './oidc-settings.ts'

const timeoutSeconds = 5
const discoveredForMs = 5 * 60_000
/** After a failure the provider is asked again no sooner, however many logins are begun. */
const pauseMs = 5000

/** Scopes that some providers want before they tell the claims that a map of roles looks at. */
const usefulScopes = ['profile', 'email', 'groups']

type Settings = OidcSettings & { clientId: string }

/** How this server is a client of the provider. */
interface ClientConfiguration {
  config: client.Configuration
  /** The scopes of a login, with spaces between them. */
  scope: string
}

/**
 * What is known of the provider. All callers share one fetch, which is done again after five minutes, and five seconds after a failure.
 * @param now the time in milliseconds, from any start
 * @returns `get`, which rejects with the Error of the fetch until the next one, and `readSecretAgain`, after which the next `get` has the secret
 * of the file as it is then; it rejects where the file cannot be read or is empty, and changes nothing then
 */
export function createClientConfiguration(
  settings: Settings,
  now: () => number = () => performance.now(),
): { get: () => Promise<ClientConfiguration>; readSecretAgain: () => Promise<void> } {
  let found: Promise<ClientConfiguration> | undefined
  let heldUntil = Number.POSITIVE_INFINITY
  const holdFor = (ms: number) => () => {
    heldUntil = now() + ms
  }
  const get = () => {
    if (!found || now() >= heldUntil) {
      heldUntil = Number.POSITIVE_INFINITY
      found = fetchConfiguration(settings)
      void found.then(holdFor(discoveredForMs), holdFor(pauseMs))
    }
    return found
  }
  const readSecretAgain = async () => {
    if ((await readSecret(settings)) === '') throw new Error('JOBS_OIDC_CLIENT_SECRET_FILE: the file is empty')
    found = undefined
  }
  return { get, readSecretAgain }
}

/** Undefined for a client without a secret. */
const readSecret = async ({ clientSecretFile: file }: Settings): Promise<string | undefined> =>
  file === undefined ? undefined : (await readFile(file, 'utf8')).trim()

async function fetchConfiguration(settings: Settings): Promise<ClientConfiguration> {
  const metadata = await discover(settings.issuer)
  const scope = ['openid', ...usefulScopes.filter((one) => metadata.scopes_supported.includes(one))].join(' ')
  return { config: await configure(metadata, settings), scope }
}

async function configure(metadata: Metadata, settings: Settings) {
  const { clientId } = settings
  const secret = await readSecret(settings).catch(unreadable)
  const methods = metadata.token_endpoint_auth_methods_supported
  const bySecret = methods.includes('client_secret_basic') ? client.ClientSecretBasic : client.ClientSecretPost
  const config = new client.Configuration(metadata, clientId, undefined, secret ? bySecret(secret) : client.None())
  config.timeout = timeoutSeconds
  // The settings take http from a provider on this machine alone.
  if (settings.issuer.startsWith('http:')) client.allowInsecureRequests(config)
  return config
}

/** @throws Failure `sign_on_unavailable`; its cause, for the log, names the file */
function unreadable(cause: unknown): never {
  throw new Failure('sign_on_unavailable', 'this server cannot read its client secret; you are not logged in', {
    hint: 'the administrator of the server checks the file of JOBS_OIDC_CLIENT_SECRET_FILE; tokens of jobs-server work on',
    retryAfter: 5,
    cause: new Error(`JOBS_OIDC_CLIENT_SECRET_FILE: ${errorText(cause)}`, { cause }),
  })
}
