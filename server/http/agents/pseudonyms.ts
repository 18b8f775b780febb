import { createCipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { PseudonymKind } from './treatments.ts'

/** Makes pseudonyms, and reads them again. */
export interface Pseudonyms {
  /** The pseudonym of a name: the same one on each server until the key changes. */
  of: (kind: PseudonymKind, name: string) => string
  /** The name behind a pseudonym of this kind; undefined for any other text. */
  read: (kind: PseudonymKind, text: string) => string | undefined
}

/** In bytes: a part of the keyed hash of the name, which is the nonce of its encryption, and by which a made-up pseudonym is noticed. */
const tagBytes = 8
/** In bytes: a longer name has a pseudonym that cannot be read again. */
const longestName = 96

const uuidText = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Pseudonyms by a key that all servers on the database share. A pseudonym is the name, encrypted with a nonce that follows from the name: no
 * table has to keep whose pseudonym it is, and nothing is left to erase.
 * @param key 32 bytes, of the day
 */
export function createPseudonyms(key: Buffer): Pseudonyms {
  const encryption = hmac(key, 'encryption')
  const naming = hmac(key, 'names')
  const tagOf = (kind: PseudonymKind, bytes: Buffer) =>
    hmac(naming, Buffer.concat([Buffer.from(`${kind}\n`), bytes])).subarray(0, tagBytes)
  const crypt = (tag: Buffer, bytes: Buffer) =>
    createCipheriv('aes-256-ctr', encryption, Buffer.concat([tag, Buffer.alloc(16 - tagBytes)])).update(bytes)
  return {
    of(kind, name) {
      const bytes = bytesOf(name)
      const tag = tagOf(kind, bytes)
      const isLong = kind !== 'cursor' && bytes.length > longestName
      const sealed = isLong ? tag : Buffer.concat([tag, crypt(tag, bytes)])
      return withCheck(`${kind}-${sealed.toString('base64url')}`)
    },
    read(kind, text) {
      if (!isPseudonym(kind, text)) return undefined
      const sealed = Buffer.from(text.slice(kind.length + 1, -checkLength), 'base64url')
      // Other texts are read as the same bytes.
      if (sealed.length <= tagBytes || withCheck(`${kind}-${sealed.toString('base64url')}`) !== text) return undefined
      const tag = sealed.subarray(0, tagBytes)
      const bytes = crypt(tag, sealed.subarray(tagBytes))
      return timingSafeEqual(tagOf(kind, bytes), tag) ? nameOf(bytes) : undefined
    },
  }
}

/** In characters: by them a pseudonym of any day is told from a name that looks like one, such as `worker-7f9c4d5b6-abcde`. */
const checkLength = 3

const checkOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, checkLength)
const withCheck = (text: string): string => text + checkOf(text)

/** True for the pseudonym of a name of this kind, of this day or of another one. */
export const isPseudonym = (kind: PseudonymKind, text: string): boolean =>
  text.startsWith(`${kind}-`) &&
  text.length >= kind.length + 11 + checkLength &&
  /^[\w-]+$/.test(text) &&
  withCheck(text.slice(0, -checkLength)) === text

/** True for a pseudonym, of any day, of a name over 96 bytes: it has the keyed hash alone, and nobody reads it. */
export const isOfLongName = (kind: PseudonymKind, text: string): boolean =>
  isPseudonym(kind, text) && Buffer.from(text.slice(kind.length + 1, -checkLength), 'base64url').length === tagBytes

const hmac = (key: Buffer, data: string | Buffer): Buffer => createHmac('sha256', key).update(data).digest()

/** A byte that says how the name follows. A uuid takes 16 bytes in place of 36, since its pseudonym is copied by a model. */
const [asText, asUuid] = [0, 1] as const

const bytesOf = (name: string): Buffer =>
  uuidText.test(name)
    ? Buffer.concat([Buffer.from([asUuid]), Buffer.from(name.replaceAll('-', ''), 'hex')])
    : Buffer.concat([Buffer.from([asText]), Buffer.from(name)])

function nameOf(bytes: Buffer): string {
  const rest = bytes.subarray(1)
  if (bytes[0] === asText) return rest.toString('utf8')
  const digits = rest.toString('hex')
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    '-',
  )
}
