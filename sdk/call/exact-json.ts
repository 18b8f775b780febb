import { isKeptExactly, replaceInexact } from '../../shared/text/exact-numbers.ts'

/** Stands before the digits of a number that JavaScript would change. It is random, so that no payload has it. */
const mark = `exact ${Math.random().toString(36).slice(2)} `
const marked = new RegExp(`"${mark}([^"]*)"`, 'g')

/**
 * Reads JSON to print it again: a number that JavaScript would change is a text, which `restoreDigits` makes a number again.
 * @throws SyntaxError for a text that is not JSON
 */
export const readExactly = (json: string): unknown =>
  JSON.parse(isKeptExactly(json) ? json : replaceInexact(json, (number) => `"${mark}${number}"`))

/** JSON of a value that `readExactly` read, with the digits that the server sent. */
export const restoreDigits = (json: string): string => json.replaceAll(marked, '$1')

/**
 * Parses JSON. An integer that a number of JavaScript would round is a bigint; a fraction is the nearest number.
 * @throws SyntaxError for a text that is not JSON
 */
export function parseJson(text: string): unknown {
  if (isKeptExactly(text)) return JSON.parse(text)
  const withMarks = replaceInexact(text, (number) => (/^-?\d+$/.test(number) ? `"${mark}${number}"` : number))
  return JSON.parse(withMarks, (_name, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  )
}

/**
 * Writes JSON, with all digits of a bigint.
 * @throws TypeError for a value that refers to itself, and for a Date without a time
 */
export function writeJson(value: unknown): string {
  let hasMarks = false
  const text = JSON.stringify(value, function (this: unknown, name: string, part: unknown) {
    // An invalid Date would become null, which is a time that was not given.
    if (part === null && isInvalidDate(Reflect.get(Object(this), name)))
      throw new TypeError(`${name} must be a valid Date`)
    if (typeof part !== 'bigint') return part
    hasMarks = true
    return `${mark}${part}`
  })
  return hasMarks ? restoreDigits(text) : text
}

const isInvalidDate = (value: unknown): boolean => value instanceof Date && Number.isNaN(value.getTime())
