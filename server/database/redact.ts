import { mask } from '../../shared/text/mask.ts'
import { expandJson, isTooDeep } from './lossless-json.ts'

const normalized = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')

/** Masks secrets. Null stays null. */
export interface Redactor {
  /** Masks values whose names look secret, at every depth, secrets in texts, and values of more than 500 levels. */
  fields: (fields: Record<string, unknown>) => Record<string, unknown>
  /** Masks what stands after a name that looks secret, as in `password=…`, after `Bearer`, and the password of a URL. */
  text: (text: string) => string
}

/**
 * Makes a redactor for all names that contain one of the words.
 * @param words names, separated by commas; case, `-` and `_` do not matter
 */
export function createRedactor(words: string): Redactor {
  const secrets = words
    .split(',')
    .map(normalized)
    .filter((word) => word !== '')
  const isSecret = (name: string): boolean => secrets.some((word) => normalized(name).includes(word))
  const assignment = assignmentTo(secrets)
  const text = (given: string): string =>
    given.replaceAll(urlPassword, `$1${mask}@`).replaceAll(assignment, `$1${mask}`).replaceAll(bearer, `$1${mask}`)
  const redacted = (given: unknown): unknown => {
    if (isTooDeep(given)) return mask
    const value = expandJson(given)
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map(redacted)
    return isPlain(value) ? fields({ ...value }) : value
  }
  const fields: Redactor['fields'] = (given) =>
    Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value !== null && isSecret(name) ? mask : redacted(value)]),
    )
  return { fields, text }
}

/**
 * Matches a name that contains one of the words, then `=` or `:`, then a value: in quotes, or a word that may follow `Bearer`
 * or `Basic`. Each part has a limit, because a text of another program may be long.
 */
function assignmentTo(words: readonly string[]): RegExp {
  if (words.length === 0) return /(?!)/g
  const names = words.map((word) => [...word].join('[-_.]?')).join('|')
  const value = String.raw`\\?"[^"]*"|'[^']*'|(?:(?:bearer|basic)\s{1,5})?[^\s"',;&]+`
  return new RegExp(String.raw`((?:${names})[\w.-]{0,60}\\?["']?\s{0,5}[:=]\s{0,5})(?:${value})`, 'giu')
}

const bearer = /(\b(?:bearer|basic)\s{1,5})[\w.~+/=-]{8,}/gi
const urlPassword = /(\b[a-z][a-z\d+.-]{0,20}:\/\/[^\s/:@]{0,200}:)[^\s/@]{1,200}@/gi

/** True for an object of JSON. A number that JavaScript cannot hold is an object of a class. */
const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
