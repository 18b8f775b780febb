import { Failure } from '../../../shared/errors.ts'
import { stats } from '../../../shared/queues/stats.ts'
import type { Context } from '../../context.ts'
import { createClient } from '../../http/client.ts'
import { redactorFor } from '../../http/redact.ts'
import { createTrace } from '../../http/trace.ts'
import { proxyFor } from '../../settings/proxy.ts'
import type { Target } from '../../settings/target.ts'

export type SecretKind = 'key' | 'token'

/** The server of a login. */
export interface Server {
  url: URL
  /** The certificates of the profile, in PEM. */
  ca?: string | undefined
}

function clientFor({ io, settings }: Context, { url, ca }: Server, credential: Target['credential']) {
  const proxy = proxyFor(url, io.env)
  const target = {
    url,
    name: url.origin,
    ca,
    proxy,
    from: 'login',
    credential,
    credentialFrom: 'login',
    profile: undefined,
  }
  const level = settings.debug ? 'all' : settings.verbose ? 'lines' : 'none'
  const trace = createTrace({ note: io.note, level, proxy, redact: redactorFor(target) })
  return createClient({ target, settings, trace, signal: io.signal })
}

/**
 * The kinds of secret that a server takes, by the challenge of its 401; both where it names none.
 * @throws Failure for a server that cannot be reached
 */
export async function kindsOf(context: Context, server: Server): Promise<SecretKind[]> {
  const { headers } = await clientFor(context, server, undefined).probe(stats.path)
  const challenge = String(headers['www-authenticate'] ?? '').toLowerCase()
  if (challenge.startsWith('bearer')) return ['token']
  return challenge.startsWith('apikey') ? ['key'] : ['key', 'token']
}

/**
 * The kind as which a server takes a secret. A server whose challenge is known answers 403 to a right secret that may not read
 * the counts; another server may answer so to a wrong one.
 * @throws Failure `unauthenticated` for a secret that the server rejects as each kind
 */
export async function checkSecret(
  context: Context,
  server: Server,
  { secret, kinds }: { secret: string; kinds: readonly SecretKind[] },
): Promise<SecretKind> {
  for (const kind of kinds) {
    const credential: Target['credential'] =
      kind === 'key' ? { header: 'X-API-KEY', value: secret } : { header: 'Authorization', value: `Bearer ${secret}` }
    try {
      await clientFor(context, server, credential).call(stats, {})
      return kind
    } catch (error) {
      if (!(error instanceof Failure) || !['forbidden', 'unauthenticated'].includes(error.code)) throw error
      if (error.code === 'forbidden' && kinds.length === 1) return kind
    }
  }
  throw new Failure('unauthenticated', `${server.url.origin} rejected the ${kinds.join(' or ')}; nothing was written`, {
    hint: 'a new server prints where its key lies; jobs-server token create worker-1 makes a token',
  })
}
