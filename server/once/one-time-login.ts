import { randomBytes } from 'node:crypto'
import { hashed, sameHash } from '../auth/secrets.ts'
import type { OneTimeLogin } from '../http/browser/one-time-login.ts'

/** A login for the person who started the dashboard, by a link that works once. */
export interface OwnLogin extends OneTimeLogin {
  /** When the sessions that it opened began, in seconds since 1970, by the hashes of their secrets. This process alone keeps them. */
  sessions: ReadonlyMap<string, number>
  urlOn: (port: number) => string
}

/** @param profile the profile that named the database; null where none did */
export function createOneTimeLogin(profile: string | null): OwnLogin {
  const code = randomBytes(32).toString('base64url')
  const sessions = new Map<string, number>()
  let isUsed = false
  return {
    ...{ profile, sessions },
    urlOn: (port) => `http://localhost:${port}/login/${code}`,
    open: (given) => {
      if (isUsed || !sameHash(hashed(given), hashed(code))) return undefined
      isUsed = true
      const secret = randomBytes(32).toString('base64url')
      sessions.set(hashed(secret), Date.now() / 1000)
      return secret
    },
    end: (secret) => sessions.delete(hashed(secret)),
  }
}
