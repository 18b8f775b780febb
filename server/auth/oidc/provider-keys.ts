import { createLocalJWKSet, errors, type JWTVerifyGetKey, type LocalJWKSet } from 'jose'
import * as z from 'zod'
import type { Log } from '../../log/log.ts'
import { errorText } from '../../log/system-error.ts'
import { discover } from './discovery.ts'
import { fetchJson } from './fetch-json.ts'
import { providerUnavailable } from './refused-login.ts'

/** Keys are fetched at most so often, whatever callers send. */
const leastPauseMs = 60_000
/** Keys are fetched again after this time, so that one that the provider has taken back is not taken for much longer. */
const freshMs = 5 * 60_000
/** While the provider is away, its keys are taken for this long. */
const longestMs = 3_600_000

const Keys = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) })

interface Options {
  issuer: string
  log: Pick<Log, 'warn'>
  /** The time in milliseconds, from any start. */
  now?: () => number
}

interface Fetched {
  find: LocalJWKSet
  at: number
}

/**
 * Finds the public key of a token among those of the provider.
 * @returns a function that throws Failure `sign_on_unavailable` while there are no keys, and an error of `jose` for an unknown key
 */
export function createProviderKeys({ issuer, log, now = () => performance.now() }: Options): JWTVerifyGetKey {
  let fetched: Fetched | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let fetching: Promise<void> | undefined

  const refresh = async () => {
    if (!fetching && now() - triedAt < leastPauseMs) return
    triedAt = fetching ? triedAt : now()
    fetching ??= fetchKeys(issuer)
      .then((find) => {
        fetched = { find, at: now() }
      })
      .catch((error: unknown) => log.warn(`the keys of ${issuer} cannot be fetched: ${errorText(error)}`))
      .finally(() => {
        fetching = undefined
      })
    await fetching
  }
  const keys = (): LocalJWKSet => {
    if (fetched && now() - fetched.at < longestMs) return fetched.find
    throw providerUnavailable(leastPauseMs / 1000)
  }
  return async (header, token) => {
    // Callers wait for the provider only where there are no keys to answer from: one that hangs must not stall each of them.
    if (!fetched || now() - fetched.at >= longestMs) await refresh()
    else if (now() - fetched.at >= freshMs) void refresh()
    try {
      return await keys()(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await refresh()
      return keys()(header, token)
    }
  }
}

/** @throws Error */
async function fetchKeys(issuer: string): Promise<LocalJWKSet> {
  const { jwks_uri } = await discover(issuer)
  return createLocalJWKSet(Keys.parse(await fetchJson(jwks_uri)))
}
