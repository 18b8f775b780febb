/** Control characters, and those that reorder text: a terminal would obey them. */
const obeyed = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const code = (character: string, width: number) => (character.codePointAt(0) ?? 0).toString(16).padStart(width, '0')

/** Text that somebody else wrote, safe to print on one line. */
export const escaped = (text: string): string =>
  text.replaceAll(obeyed, (character) => (character <= 'ÿ' ? `\\x${code(character, 2)}` : `\\u${code(character, 4)}`))

/** JSON with the same characters escaped its own way: it stays the same JSON. */
export const escapedJson = (json: string): string =>
  json.replaceAll(obeyed, (character) => (character === '\n' ? '\n' : `\\u${code(character, 4)}`))

/** A cell of TSV: one line, no tab, nothing cut. */
export const cell = (value: string | number): string => escaped(String(value).replaceAll(/[\t\n\r]/g, ' '))
