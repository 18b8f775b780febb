/**
 * Characters that a terminal or a browser would act on or hide: control characters, and characters that reorder or break text, have no
 * width, or look like nothing, such as tags. Characters that choose between forms of the one before stay.
 */
const active =
  /[\u034f\u17b4-\u17b5\p{Cc}\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

const code = (unit: number, width: number) => unit.toString(16).padStart(width, '0')

function codeOf(character: string): string {
  const point = character.codePointAt(0) ?? 0
  if (point > 0xffff) return `\\u{${code(point, 4)}}`
  return point > 0xff ? `\\u${code(point, 4)}` : `\\x${code(point, 2)}`
}

/** Text of the server or of a user, safe to print on one line. */
export const escaped = (text: string): string => text.replaceAll(active, codeOf)

/** The same characters as the octal escapes of their bytes in UTF-8, as `$'…'` of a shell reads them. */
export const escapedBytes = (text: string): string =>
  text.replaceAll(active, (character) =>
    Array.from(new TextEncoder().encode(character), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
  )

/** JSON with the same characters escaped as JSON escapes them: its meaning stays the same. */
export const escapedJson = (json: string): string =>
  json.replaceAll(active, (character) =>
    character === '\n'
      ? '\n'
      : Array.from({ length: character.length }, (_unit, at) => `\\u${code(character.charCodeAt(at), 4)}`).join(''),
  )

/** A cell of TSV: one line, no tab, nothing cut. */
export const cell = (value: string | number): string => escaped(String(value).replaceAll(/[\t\n\r]/g, ' '))
