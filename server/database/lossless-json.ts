import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { isKeptExactly } from '../../shared/exact-numbers.ts'

/** Stands before a JSON text that is kept as it is; nobody outside can know it. */
const mark = randomUUID()
const marked = new RegExp(`"${mark}[^"\\\\]*(?:\\\\.[^"\\\\]*)*"`, 'g')

/** JSON of another program with a number that JavaScript would change. */
class Verbatim {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  toJSON(): string {
    return mark + this.#text
  }
}

/** JSON of the database as a value; where that would change a number, as one that `writeJson` writes as it was. */
export const readJson = (text: string): unknown => (isKeptExactly(text) ? JSON.parse(text) : new Verbatim(text))

/** A value as JSON. Numbers that JavaScript cannot hold come out as they were read by `readJson`. */
export function writeJson(value: unknown): string {
  const text = JSON.stringify(value)
  if (!text.includes(mark)) return text
  return text.replaceAll(marked, (quoted) => z.string().parse(JSON.parse(quoted)).slice(mark.length))
}
