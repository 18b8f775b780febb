import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { isKeptExactly } from '../../shared/exact-numbers.ts'

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
}

/** Reads JSON of the database. Where JavaScript would change a number, the value is one that `writeJson` writes unchanged. */
export const readJson = (text: string): unknown => (isKeptExactly(text) ? JSON.parse(text) : new LosslessJson(text))

/** Writes a value as JSON. A number that JavaScript cannot hold is written with the digits that `readJson` read. */
export function writeJson(value: unknown): string {
  const text = JSON.stringify(value)
  if (!text.includes(mark)) return text
  return text.replaceAll(marked, (quoted) => z.string().parse(JSON.parse(quoted)).slice(mark.length))
}
