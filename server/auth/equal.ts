import { hash, timingSafeEqual } from 'node:crypto'

/** The SHA-256 hash of a secret, in hexadecimal digits. It needs no salt, because secrets are long and random here. */
export const hashed = (secret: string): string => hash('sha256', secret)

/** Compares two hashes in constant time. */
export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
