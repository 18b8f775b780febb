import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { isKeptExactly, replaceInexact } from '../../shared/exact-numbers.ts'

/** Marks a JSON text that is written without a change. It is random, so no input can contain it. */
const mark = randomUUID()
const marked = new RegExp(`"${mark}[^"\\\\]*(?:\\\\.[^"\\\\]*)*"`, 'g')

/** A JSON text with a number that JavaScript would change, written by another program. */
class LosslessJson {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
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

/** Reads JSON of the database. Where JavaScript would change a number, the value is one that `writeJson` writes unchanged. */
export const readJson = (text: string): unknown => (isKeptExactly(text) ? JSON.parse(text) : new LosslessJson(text))

/** Writes a value as JSON. A number that JavaScript cannot hold is written with the digits that `readJson` read. */
export function writeJson(value: unknown): string {
  const text = JSON.stringify(value)
  if (!text.includes(mark)) return text
  return text.replaceAll(marked, (quoted) => z.string().parse(JSON.parse(quoted)).slice(mark.length))
}

/** A value that `readJson` returned, as objects and lists whose fields can be read. */
export const expandJson = (value: unknown): unknown => {
  if (!(value instanceof LosslessJson)) return value
  const expanded = value.expanded()
  return expanded instanceof LosslessJson ? value : expanded
}
