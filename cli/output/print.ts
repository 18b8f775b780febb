import type { Exit } from '../../shared/exits.ts'
import { escapedJson } from '../escape.ts'
import type { Io } from '../io.ts'
import type { Settings } from '../settings/settings.ts'
import { coloured, type Style, styleFor } from './style.ts'
import type { Column } from './table.ts'
import { tsvText } from './tsv.ts'

interface Look<Row> {
  columns: readonly Column<Row>[]
  /** Columns for people, where they differ. */
  forPeople?: readonly Column<Row>[]
}

interface Rows<Row> extends Look<Row> {
  rows: readonly Row[]
  /** The API's answer, for `--json`. */
  json: unknown
  /** What to say to a person when there are no rows. */
  empty: string
}

/** Writes results as the flags ask: stdout is data, stderr is conversation. */
export interface Printer {
  rows: <Row>(rows: Rows<Row>) => void
  /** Rows that come bit by bit, under one head; each bit with the API's answer for it. */
  growing: <Row>(look: Look<Row>) => (rows: readonly Row[], json: unknown) => void
  /** A result as an object for programs, and as a sentence for everyone else. */
  sentence: (json: object, text: string, mood: 'pending' | 'done' | 'plain') => void
  /** Text that is the result itself, such as a help topic. */
  text: (text: string) => void
  /** Rows as a table for people, to stand in a sentence. */
  table: <Row>(columns: readonly Column<Row>[], rows: readonly Row[]) => Promise<string>
  /** Something to tell a person, on stderr; nothing with `--quiet`. */
  aside: (text: string) => void
  /** Results go to a person at a terminal. */
  forPeople: boolean
  structured: boolean
  style: Style
}

/** What draws tables is loaded for people alone. */
export async function createPrinter(io: Io, settings: Settings): Promise<Printer> {
  const { output, quiet } = settings
  const style = styleFor(coloured(settings.color, io.env, io.outTerminal))
  const forPeople = output === 'table'
  const tables = forPeople ? await import('./table.ts') : undefined
  const most = io.outTerminal ? io.columns : Number.POSITIVE_INFINITY
  const structured = output === 'json' || output === 'ndjson'
  const out = quiet ? () => {} : io.out
  const json = (value: unknown, pretty: boolean) =>
    out(`${escapedJson(JSON.stringify(value, undefined, pretty ? 2 : 0))}\n`)
  const aside = (text: string) => {
    if (!quiet) io.note(`${text}\n`)
  }
  const growing: Printer['growing'] = ({ columns, forPeople: columnsForPeople = columns }) => {
    const table = tables?.growingTable(columnsForPeople, style, most)
    return (rows, answer) => {
      if (output === 'json') return json(answer, io.outTerminal)
      if (output === 'ndjson') {
        for (const line of Array.isArray(answer) ? answer : [answer]) json(line, false)
        return
      }
      if (rows.length > 0) out(table ? table(rows) : tsvText(columns, rows))
    }
  }
  return {
    forPeople,
    structured,
    style,
    aside,
    table: async (columns, rows) => (await import('./table.ts')).tableText(columns, rows, style, most),
    text: (text) => io.out(text),
    growing,
    rows({ rows, json: answer, empty, ...look }) {
      growing(look)(rows, answer)
      if (forPeople && rows.length === 0) aside(empty)
    },
    sentence(value, text, mood) {
      if (structured) return json(value, output === 'json' && io.outTerminal)
      const paint = { pending: style.yellow, done: style.green, plain: (plain: string) => plain }[mood]
      out(`${paint(text)}\n`)
    },
  }
}

/** The way a command ends when it does not fail. */
export type Ending = Exit
