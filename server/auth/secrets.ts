import { hash, timingSafeEqual } from 'node:crypto'
import { Failure } from '../../shared/errors.ts'
import { type Env, isLocal } from '../env/env.ts'
import type { Log } from '../log/log.ts'

/** The SHA-256 hash of a secret, in hexadecimal digits. It needs no salt, because secrets are long and random here. */
export const hashed = (secret: string): string => hash('sha256', secret)

/** Compares two hashes in constant time. */
export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

/** A shorter key can be guessed. */
const fewest = 16

/**
 * Warns about a key or token of the environment that has fewer than 16 characters, by the name of its setting.
 * @throws Failure `usage` where the server listens beyond its machine and JOBS_ALLOW_SHORT_KEY is not set
 */
export function refuseShort(
  name: 'SINGLE_USER_API_KEY' | 'SINGLE_USER_API_KEY_PREVIOUS' | 'JOBS_METRICS_TOKEN',
  env: Env,
  log: Pick<Log, 'warn'>,
): void {
  if ((env[name]?.length ?? fewest) >= fewest) return
  const what = `${name} has fewer than ${fewest} characters, and can be guessed`
  if (isLocal(env) || env.JOBS_ALLOW_SHORT_KEY) {
    log.warn(what)
    return
  }
  throw new Failure('usage', `${what} by anyone who reaches ${env.HOST}`, {
    hint: 'use a longer one, such as of openssl rand -base64 32; JOBS_ALLOW_SHORT_KEY=true takes it all the same',
  })
}
