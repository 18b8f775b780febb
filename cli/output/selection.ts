import { Failure } from '../../shared/errors.ts'
import type { CommandDescription } from '../command.ts'
import type { Settings } from '../settings/settings.ts'
import { nearestName } from '../text/nearest-name.ts'
import type { Column, Look } from './table.ts'
import { leafText, parseTemplate, type Template } from './template.ts'

/** What of a column its name is found by. */
type Named = Pick<Column<never>, 'title' | 'also'>

interface Given {
  /** The flags of the command, and its operands. */
  values: object
  operands: readonly string[]
}

/**
 * Refuses `--columns` and `--template` before a command does anything: where it prints no rows, and for a name or a template that is wrong.
 * @throws Failure `usage`
 */
export async function checkSelection(
  { name, rows }: CommandDescription,
  { columns, template }: { columns?: string; template?: string },
  { values, operands }: Given,
): Promise<void> {
  if (columns === undefined && template === undefined) return
  const printed = await rows?.(operands, values)
  const flag = columns === undefined ? '--template' : '--columns'
  if (printed === undefined)
    throw new Failure(
      'usage',
      `${flag}: ${[name, ...operands.slice(0, 1)].join(' ')} prints no rows; nothing was changed`,
      {
        hint: `leave out ${flag}; jobsctl ${name} --help shows what it takes`,
      },
    )
  if (template !== undefined) parseTemplate(template)
  else if (columns !== undefined && printed !== 'fields') columnsNamed(columns, printed)
}

/** What `--columns` or `--template` make of the rows of a command. `answer` is that of the API, which may be the list of the rows. */
export interface Selector {
  /** The columns to print in place of those of the command. */
  look: <Row>(look: Look<Row>) => Look<Row>
  /** The lines of a template; undefined with `--columns`. */
  lines: <Row>(look: Look<Row>, rows: readonly Row[], answer: unknown) => string | undefined
  /** The rows for JSON. */
  picked: <Row>(look: Look<Row>, rows: readonly Row[], answer: unknown) => unknown[]
  /** One record as a row of its own fields. */
  ofRecord: (record: unknown) => Look<unknown> & { rows: readonly unknown[] }
}

/** @throws Failure `usage` for a template that cannot be read */
export function selectorOf({ columns, template: text }: Pick<Settings, 'columns' | 'template'>): Selector {
  const template = text === undefined ? undefined : parseTemplate(text)
  const chosen = <Row>(look: Look<Row>) => (columns === undefined ? allOf(look) : columnsNamed(columns, allOf(look)))
  return {
    look: (look) => ({ columns: chosen(look) }),
    lines: (look, rows, answer) =>
      template && templateLines(template, { columns: allOf(look), rows, records: recordsOf(rows, answer) }),
    picked: (look, rows, answer) => pickedRecords({ columns: chosen(look), rows, records: recordsOf(rows, answer) }),
    ofRecord: (record) => ({ columns: columnsOfRecord(record), rows: [record] }),
  }
}

const allOf = <Row>({ columns, more = [] }: Look<Row>): readonly Column<Row>[] => [...columns, ...more]

/** The rows as the API has them, where its answer is the list of them; else the rows themselves. */
export const recordsOf = (rows: readonly unknown[], answer: unknown): readonly unknown[] =>
  Array.isArray(answer) && answer.length === rows.length ? answer : rows

/**
 * The columns that `--columns` names, in its order.
 * @throws Failure `usage` for a name that no column has, with the most similar one
 */
export const columnsNamed = <One extends Named>(names: string, columns: readonly One[]): One[] =>
  names.split(',').map((word) => {
    const name = word.trim()
    const found = columns.find(({ title, also }) => title === name || (also !== undefined && also === name))
    if (found) return found
    throw unknownName(name, '--columns', columns)
  })

/** The failure of a name that is no column, with the columns there are. */
function unknownName(name: string, flag: string, columns: readonly Named[]): Failure {
  const titles = columns.map(({ title }) => title)
  const nearest =
    titles.find((known) => name !== '' && (known.startsWith(name) || known.endsWith(`_${name}`))) ??
    nearestName(name, titles, 3)
  return new Failure('usage', `${flag}: there is no column ${name === '' ? 'with a blank name' : name}`, {
    hint: `${nearest === undefined ? '' : `did you mean ${nearest}? `}the columns are ${titles.join(',')}`,
  })
}

interface Selected<Row> {
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  /** Each row as the API answers it. */
  records: readonly unknown[]
}

const fieldsOf = (record: unknown): ReadonlyMap<string, unknown> => new Map(Object.entries(Object(record)))

/** The chosen columns of each row: the field of the API where a column has its name, and else the text of the column. */
const pickedRecords = <Row>({ columns, rows, records }: Selected<Row>): unknown[] =>
  rows.map((row, at) => {
    const fields = fieldsOf(records[at])
    const value = ({ title, value }: Column<Row>) => {
      if (fields.has(title)) return fields.get(title)
      const text = value(row)
      return text === '' ? null : text
    }
    return Object.fromEntries(columns.map((column) => [column.title, value(column)]))
  })

/** @throws Failure `usage` for a name that is neither a column nor a field of any row */
function templateLines<Row>(template: Template, { columns, rows, records }: Selected<Row>): string {
  const byName = new Map(
    columns.flatMap((column) => [column.title, ...(column.also ? [column.also] : [])].map((name) => [name, column])),
  )
  const fields = records.map(fieldsOf)
  const isKnown = (name: string) => byName.has(name) || fields.some((record) => record.has(name))
  const unknown = rows.length === 0 ? undefined : template.names.find((name) => !isKnown(name))
  if (unknown !== undefined) {
    const others = [...new Set(fields.flatMap((record) => [...record.keys()]))].filter((name) => !byName.has(name))
    throw unknownName(unknown, '--template', [...columns, ...others.map((title) => ({ title }))])
  }
  const lineOf = (row: Row, at: number) =>
    template.line(records[at], (name) => String(byName.get(name)?.value(row) ?? '') || undefined)
  return rows.map(lineOf).join('')
}

/** A column for each field of a record. */
export const columnsOfRecord = (record: unknown): Column<unknown>[] =>
  [...fieldsOf(record).keys()].map((title) => ({ title, value: (row) => leafText(fieldsOf(row).get(title)) }))
