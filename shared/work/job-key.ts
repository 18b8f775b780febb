/** The id of a job: a number for a job of this server's own table, and the text of a key for a job of another engine. */
export type JobId = number | string

/** What the text of a key names: the queue, where it has one, and the id that the engine gave the job. */
export interface KeyParts {
  queue: string | undefined
  id: string
}

/** `/` stands between the parts, `%` begins an escape, and control characters break lines and terminals. */
const reserved = /[%/\p{Cc}]/gu

const escaped = (part: string): string => part.replaceAll(reserved, (char) => encodeURIComponent(char))

/** `<queue>/<id>`, with `%`, `/` and control characters of both parts percent-encoded; the id alone where there is no queue. */
export const keyText = ({ queue, id }: KeyParts): string =>
  queue === undefined ? escaped(id) : `${escaped(queue)}/${escaped(id)}`

/** The parts of the text of a key; undefined for a text with a broken escape. What stands after the first `/` is the id. */
export function keyParts(text: string): KeyParts | undefined {
  const end = text.indexOf('/')
  try {
    const id = decodeURIComponent(text.slice(end + 1))
    return { queue: end < 0 ? undefined : decodeURIComponent(text.slice(0, end)), id }
  } catch {
    return undefined
  }
}

/** An id as an item of a list that is separated by commas. `readJobId` reads it. */
export const listedJobId = (id: JobId): string => String(id).replaceAll(',', '%2C')

/** A queue of 200 characters whose bytes are all escaped is shorter. */
const longestKey = 4096

/** Digits alone are the number of a job. Signs and points are taken for a mistyped number, so that no typing error names another job. */
const isNumeric = (text: string): boolean => /^[-+.\d]*$/.test(text)

/** Control characters in a key are escaped, and PostgreSQL stores neither NUL nor half characters. */
const hasUnkeepable = (text: string): boolean => /[\p{Cc}\p{Cs}]/u.test(text)

/** The key of a table may be an empty text, which stands after the queue alone. */
const isStorable = ({ queue = '', id }: KeyParts): boolean => /^[^\0\p{Cs}]+$/u.test(queue + id)

/**
 * The id of a job that somebody has typed, or that a URL has.
 * @returns a number for digits; the text of the key, escaped as `keyText` escapes it, for `<queue>/<id>`, a uuid or another id of an
 * engine; undefined for a text that is no id
 */
export function readJobId(text: string): JobId | undefined {
  if (/^[1-9]\d*$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : undefined
  if (isUuid(text)) return text
  if (text.length > longestKey || text.trim() === '' || isNumeric(text) || hasUnkeepable(text)) return undefined
  const parts = keyParts(text)
  return parts && isStorable(parts) ? keyText(parts) : undefined
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** True for a uuid, which names a job without its queue. */
export const isUuid = (text: string): boolean => uuid.test(text)

/** Compares ids as PostgreSQL sorts them: numbers by value, and texts of keys by their code points, as the collation "C" does. */
export function compareJobIds(one: JobId, other: JobId): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  const [first, second] = [String(one), String(other)]
  for (let at = 0; ; at++) {
    const [unit, otherUnit] = [first.codePointAt(at) ?? -1, second.codePointAt(at) ?? -1]
    if (unit !== otherUnit) return unit - otherUnit
    if (unit === -1) return 0
  }
}
