import { isKeptExactly, replaceInexact } from '../shared/exact-numbers.ts'

/** Stands before the digits of a number that JavaScript would change. It is random, so no server can send it. */
const mark = `exact ${Math.random()} `
const marked = new RegExp(`"${mark.replaceAll('.', '\\.')}([^"]*)"`, 'g')

/** Reads JSON to print it again: a number that JavaScript would change is a text, which `restoreDigits` makes a number again. */
export const readExactly = (json: string): unknown =>
  JSON.parse(isKeptExactly(json) ? json : replaceInexact(json, (number) => `"${mark}${number}"`))

/** JSON of a value that `readExactly` read, with the digits that the server sent. */
export const restoreDigits = (json: string): string => json.replaceAll(marked, '$1')
