import { restoreDigits } from '../../sdk/call/exact-json.ts'
import { Failure } from '../../shared/errors.ts'
import { cell } from '../../shared/text/escape.ts'

/** A part of a template: a text as it is, or the names that lead from the row to a value; no name means the whole row. */
type Part = { text: string } | { path: readonly string[] }

export interface Template {
  /** The first name of each path. */
  names: readonly string[]
  /** The line of a row; `columnText` gives the text of a column, as TSV has it; undefined for none and a blank one. */
  line: (record: unknown, columnText: (name: string) => string | undefined) => string
}

const name = String.raw`(?:[^.\s{}"|()]+|"(?:[^"\\]|\\.)+")`
const token = new RegExp(
  String.raw`\{\{\s*(?:(?<literal>"(?:[^"\\]|\\.)*")|(?<path>\.|(?:\.${name})+))\s*\}\}|(?<wrong>\{\{.*?(?:\}\}|$))|\\(?<escape>[nt\\])`,
  'gs',
)

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' }

/**
 * Reads the text of `--template`: `{{.id}}`, `{{.payload.customer}}`, `{{.payload."odd name"}}`, `{{.}}` for the whole row as JSON,
 * `{{"text"}}`, and outside of braces `\n`, `\t` and `\\`.
 * @throws Failure `usage` for anything else between braces
 */
export function parseTemplate(text: string): Template {
  const parts: Part[] = []
  let end = 0
  for (const found of text.matchAll(token)) {
    const { literal, path, wrong, escape: letter } = found.groups ?? {}
    parts.push({ text: text.slice(end, found.index) })
    end = found.index + found[0].length
    if (wrong !== undefined) throw notTaken(wrong)
    if (letter !== undefined) parts.push({ text: escapes[letter] ?? '' })
    else if (literal !== undefined) parts.push({ text: unquoted(literal) })
    else parts.push({ path: namesIn(path ?? '.') })
  }
  parts.push({ text: text.slice(end) })
  const paths = parts.flatMap((part) => ('path' in part ? [part.path] : []))
  return {
    names: [...new Set(paths.flatMap(([first]) => (first === undefined ? [] : [first])))],
    line(record, columnText) {
      const line = parts.map((part) => ('text' in part ? part.text : valueText(record, part.path, columnText))).join('')
      return line.endsWith('\n') ? line : `${line}\n`
    },
  }
}

function notTaken(words: string): Failure {
  const isLoop = /\{\{-?\s*(range|end)\b/.test(words)
  return new Failure('usage', `--template: ${words} is not one of {{.name}}, {{.name.part}}, {{.}} and {{"text"}}`, {
    hint: isLoop ? 'leave out range and end: the template is written once for each row' : 'for more: --json and jq',
  })
}

/** @throws Failure `usage` for an escape that JSON does not have */
function unquoted(literal: string): string {
  try {
    return String(JSON.parse(literal))
  } catch {
    throw new Failure('usage', `--template: ${literal} is no text of JSON`)
  }
}

const namesIn = (path: string): string[] =>
  [...path.matchAll(new RegExp(name, 'g'))].map(([word]) => (word.startsWith('"') ? unquoted(word) : word))

function valueText(record: unknown, path: readonly string[], columnText: (name: string) => string | undefined): string {
  const [first] = path
  const ofColumn = path.length === 1 && first !== undefined ? columnText(first) : undefined
  return cell(ofColumn ?? leafText(valueAt(record, path)))
}

/** The value that names lead to; undefined where one of them is not there. A list takes the number of an item from 0. */
function valueAt(value: unknown, path: readonly string[]): unknown {
  const [first, ...rest] = path
  if (first === undefined) return value
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, first)) return undefined
  return valueAt(new Map<string, unknown>(Object.entries(value)).get(first), rest)
}

/** A text as it is, null and what is not there as nothing, and any other value as JSON. */
export function leafText(value: unknown): string {
  if (value === null || value === undefined) return ''
  const json = restoreDigits(JSON.stringify(value))
  return typeof value === 'string' && json.startsWith('"') ? value : json
}
