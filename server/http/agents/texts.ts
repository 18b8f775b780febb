/** In characters. */
const longestText = 500
const longestWord = 128

/** Control characters, and those that nobody sees: zero-width, bidirectional, tag, private and unassigned ones, and variation selectors. */
const unseen = new RegExp(
  [
    String.raw`[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}]`,
    ...['115f', '1160', '17b4', '17b5', '3164', 'ffa0', '34f'].map((code) => `\\u{${code}}`),
    String.raw`[\u{fe00}-\u{fe0f}]`,
    String.raw`[\u{e0100}-\u{e01ef}]`,
  ].join('|'),
  'gu',
)
const breaks = /[\s\p{Zl}\p{Zp}]+/gu

/** A text on one line, without characters that nobody sees, of at most 500 characters. */
export function cleanText(text: string): string {
  const clean = text
    .slice(0, 10 * longestText)
    .replaceAll(breaks, ' ')
    .replaceAll(unseen, '')
    // Blanks between which something unseen stood are one.
    .replaceAll(breaks, ' ')
    .trim()
  const characters = [...clean]
  return characters.length > longestText ? `${characters.slice(0, longestText - 1).join('')}…` : clean
}

/** What identifiers have: letters, digits, and signs between them. A sentence has blanks. */
const word = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.,:;/\\@#$+*<>()[\]=-]*$/u

/** True for a text of one word, of at most 128 characters, all of which are seen. */
export const isWord = (text: string): boolean => text.length <= longestWord && word.test(text) && !unseenIn(text)

const unseenIn = (text: string): boolean => text.replaceAll(unseen, '') !== text

/** A number or a uuid as text. */
export const isPlainId = (text: string): boolean => /^(\d{1,19}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(text)

/** A time as answers have it. */
export const isInstant = (text: string): boolean =>
  /^\d{4,6}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?)?$/.test(text)
