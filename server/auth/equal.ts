import { createHash, timingSafeEqual } from 'node:crypto'

/** A fingerprint that cannot be turned back. Secrets are long and random here, so it needs no salt. */
export const hashed = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Compares two fingerprints in a time that tells nothing about either. */
export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
