/** Control characters, and characters that reorder text or have no width: a terminal would act on them or hide them. */
const active = /[\p{Cc}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu

const code = (character: string, width: number) => (character.codePointAt(0) ?? 0).toString(16).padStart(width, '0')

/** Text of the server or of a user, safe to print on one line. */
export const escaped = (text: string): string =>
  text.replaceAll(active, (character) => (character <= 'ÿ' ? `\\x${code(character, 2)}` : `\\u${code(character, 4)}`))

/** The same characters as the octal escapes of their bytes in UTF-8, as `$'…'` of a shell reads them. */
export const escapedBytes = (text: string): string =>
  text.replaceAll(active, (character) =>
    Array.from(new TextEncoder().encode(character), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
  )

/** JSON with the same characters escaped as JSON escapes them: its meaning stays the same. */
export const escapedJson = (json: string): string =>
  json.replaceAll(active, (character) => (character === '\n' ? '\n' : `\\u${code(character, 4)}`))

/** A cell of TSV: one line, no tab, nothing cut. */
export const cell = (value: string | number): string => escaped(String(value).replaceAll(/[\t\n\r]/g, ' '))
