import { restoreDigits } from '../../sdk/call/exact-json.ts'
import type { Exit } from '../../shared/exits.ts'
import { cell, escapedJson } from '../../shared/text/escape.ts'
import type { Io } from '../io.ts'
import type { Settings } from '../settings/settings.ts'
import { coloured, type Style, styleFor } from './style.ts'
import type { Column, Look } from './table.ts'

interface Rows<Row> extends Look<Row> {
  /** The one record whose fields the rows are: `--columns` and `--template` take its fields. */
  record?: unknown
  rows: readonly Row[]
  /** The answer of the API, for `--json`. */
  json: unknown
  /** The sentence for a person when there are no rows. */
  empty: string
}

/** Writes results in the format of the flags: data on stdout, everything else on stderr. */
export interface Printer {
  rows: <Row>(rows: Rows<Row>) => void
  /** Writes rows in several parts; each comes with its answer of the API, and for people it may have a line above it. */
  growing: <Row>(look: Look<Row>) => (rows: readonly Row[], json: unknown, above?: string) => void
  /** A result as an object for programs, and as a sentence for everyone else. */
  sentence: (json: object, text: string, mood: 'pending' | 'done' | 'plain') => void
  /** A JSON value that is the result itself, with the digits that the server sent: on several lines at a terminal. */
  json: (value: unknown) => void
  /** Writes text that is the result itself, such as a help topic. */
  text: (text: string) => void
  /** Writes the result for a person, who gets other text than a program; nothing with `--quiet`. */
  result: (text: string) => void
  /** The columns of the terminal, or 100 where stdout is no terminal. */
  width: number
  /** Rows as a table for people, to be part of a longer text. */
  table: <Row>(columns: readonly Column<Row>[], rows: readonly Row[]) => Promise<string>
  /** A note for a person, on stderr; nothing with `--quiet`. */
  aside: (text: string) => void
  /** Whether results are tables for a person. */
  forPeople: boolean
  /** The same, where no selection asks for rows: a command may print a text of its own in their place. */
  asScreen: boolean
  structured: boolean
  style: Style
  /** Whether tables for people name queues without their domain: after an answer of a server that has one domain alone. */
  isBare: () => boolean
}

/**
 * The printer of a command. The table library is imported for tables only.
 * @param isBare whether tables for people name queues without their domain
 */
export async function createPrinter(io: Io, settings: Settings, isBare: () => boolean): Promise<Printer> {
  const { output, quiet } = settings
  const style = styleFor(coloured(settings.color, io.env, io.outTerminal))
  const forPeople = output === 'table'
  const tables = forPeople ? await import('./table.ts') : undefined
  const most = () => (io.outTerminal ? io.columns : Number.POSITIVE_INFINITY)
  const room = () => ({ columns: most(), lines: io.outTerminal ? io.rows : Number.POSITIVE_INFINITY })
  const structured = output === 'json' || output === 'ndjson'
  const out = quiet ? () => {} : io.out
  const json = (value: unknown, pretty: boolean) =>
    out(`${restoreDigits(escapedJson(JSON.stringify(value, undefined, pretty ? 2 : 0)))}\n`)
  const aside = (text: string) => {
    if (!quiet) io.note(`${text}\n`)
  }
  const printJson = (answer: unknown) => {
    if (output === 'json') return json(answer, io.outTerminal)
    for (const line of Array.isArray(answer) ? answer : [answer]) json(line, false)
  }
  const selector = selects(settings) ? (await import('./selection.ts')).selectorOf(settings) : undefined
  const named = <Row>(columns: readonly Column<Row>[]): readonly Column<Row>[] =>
    isBare() ? columns.map((column) => (column.bare ? { ...column, value: column.bare } : column)) : columns
  const growing: Printer['growing'] = <Row>(look: Look<Row>) => {
    const { columns, forPeople: columnsForPeople = columns } = selector?.look(look) ?? look
    let table: ((rows: readonly Row[], above?: string) => string) | undefined
    return (rows: readonly Row[], answer: unknown, above?: string) => {
      // Before the first answer nobody knows how many domains the server has.
      table ??= tables?.growingTable(named(columnsForPeople), style, room())
      const lines = selector?.lines(look, rows, answer)
      if (lines !== undefined) return out(lines)
      if (structured) return printJson(selector ? selector.picked(look, rows, answer) : answer)
      if (rows.length > 0) out(table ? table(rows, above) : tsvText(columns, rows))
    }
  }
  return {
    forPeople,
    asScreen: forPeople && selector === undefined,
    structured,
    style,
    isBare,
    aside,
    table: async (columns, rows) =>
      (await import('./table.ts')).tableText(named(columns), rows, style, {
        ...room(),
        lines: Number.POSITIVE_INFINITY,
        isPart: true,
      }),
    json: (value) => json(value, io.outTerminal),
    text: (text) => io.out(text),
    result: out,
    width: io.outTerminal ? io.columns : 100,
    growing,
    rows({ rows, json: answer, empty, record, ...look }) {
      if (selector && record !== undefined) {
        const one = selector.ofRecord(record)
        if (structured) return printJson(selector.picked(one, one.rows, one.rows)[0])
        return growing(one)(one.rows, one.rows)
      }
      const { columns, forPeople: columnsForPeople = columns } = selector?.look(look) ?? look
      if (tables && rows.length > 0 && settings.template === undefined)
        out(tables.tableText(named(columnsForPeople), rows, style, room()))
      else growing(look)(rows, answer)
      if (forPeople && rows.length === 0) aside(empty)
    },
    sentence(value, text, mood) {
      if (structured) return json(value, output === 'json' && io.outTerminal)
      const paint = { pending: style.yellow, done: style.green, plain: (plain: string) => plain }[mood]
      out(`${paint(text)}\n`)
    },
  }
}

/** Whether rows are printed by `--columns` or `--template`. */
const selects = ({ columns, template }: Settings): boolean => columns !== undefined || template !== undefined

/** How a command ends without an error: the name of its exit code. */
export type Ending = Exit

/** Rows for a program: TSV without a header; cells are not cut, grouped or coloured. */
const tsvText = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string =>
  rows.map((row) => `${columns.map(({ value }) => cell(value(row))).join('\t')}\n`).join('')
