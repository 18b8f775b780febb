import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { endOfString, isKeptExactly, replaceInexact } from '../../shared/text/exact-numbers.ts'

/** What a text says as JSON; undefined for a text that is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Marks a JSON text that is written without a change. It is random, so no input can contain it. */
const mark = randomUUID()
const quotedMark = `"${mark}`

/** A JSON text that JavaScript would change, or cannot write again, written by another program. */
class LosslessJson {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  get isDeep(): boolean {
    return isDeep(this.#text)
  }
  toJSON(): string {
    return mark + this.#text
  }
  /** The value as JavaScript has it, in which each number that JavaScript would change is such an object of its own. */
  expanded(): unknown {
    const marked = replaceInexact(this.#text, (number) => `"${mark}${number}"`)
    return JSON.parse(marked, (_name, value: unknown) =>
      typeof value === 'string' && value.startsWith(mark) ? new LosslessJson(value.slice(mark.length)) : value,
    )
  }
}

/** The levels of objects and lists that are read. JavaScript writes some 4,000, and PostgreSQL keeps more than 10,000. */
const deepest = 500

/** True for a JSON text with more levels than `deepest`. Brackets within strings are no levels. */
export function isDeep(text: string): boolean {
  if (text.length < 2 * deepest) return false
  let level = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at) - 1
    else if (character === '{' || character === '[') level++
    else if (character === '}' || character === ']') level--
    if (level > deepest) return true
  }
  return false
}

/**
 * Reads JSON of the database. Where JavaScript would change a number, or could not write all levels, the value is one that
 * `writeJson` writes unchanged.
 */
export const readJson = (text: string): unknown =>
  isKeptExactly(text) && !isDeep(text) ? JSON.parse(text) : new LosslessJson(text)

/** Writes a value as JSON. A number that JavaScript cannot hold is written with the digits that `readJson` read. */
export function writeJson(value: unknown): string {
  const text = JSON.stringify(value)
  const parts: string[] = []
  let written = 0
  for (let at = text.indexOf(quotedMark); at !== -1; at = text.indexOf(quotedMark, written)) {
    const end = endOfString(text, at)
    parts.push(
      text.slice(written, at),
      z
        .string()
        .parse(JSON.parse(text.slice(at, end)))
        .slice(mark.length),
    )
    written = end
  }
  return parts.join('') + text.slice(written)
}

/** True for a value that `readJson` returned for a text of too many levels, which `expandJson` leaves as it is. */
export const isTooDeep = (value: unknown): boolean => value instanceof LosslessJson && value.isDeep

/** A value that `readJson` returned, as objects and lists whose fields can be read. */
export const expandJson = (value: unknown): unknown => {
  if (!(value instanceof LosslessJson) || value.isDeep) return value
  const expanded = value.expanded()
  return expanded instanceof LosslessJson ? value : expanded
}
