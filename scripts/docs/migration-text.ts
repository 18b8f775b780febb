/** A table as a migration writes it down. */
export interface TableText {
  name: string
  columns: { name: string; type: string; note: string }[]
  /** Primary keys and unique constraints over several columns. */
  constraints: string[]
}

const tables = /^create (?:temporary table wanted_|table if not exists )(\w+) \(\n([\s\S]*?)^\)/gm
const added = /((?:^ *--.*\n)*)^ *alter table (\w+) add column (?:if not exists )?(\w+) ([^;]*);/gm
/** The tables of a migration, in their order. */
export const tablesIn = (text: string): TableText[] =>
  [...text.matchAll(tables)].map(([, name = '', body = '']) => ({ name, ...partsOf(body) }))

/** The columns that a migration adds to tables of earlier migrations, with the comment above them. */
export const columnsAddedIn = (text: string): (TableText['columns'][number] & { table: string })[] =>
  [...text.matchAll(added)]
    .map(([, comment = '', table = '', name = '', type = '']) => ({
      table,
      name,
      type,
      note: oneLine(comment.replaceAll(/^ *-- ?/gm, '')),
    }))
    .filter(({ table }) => tablesIn(text).every(({ name }) => name !== table))

/** The functions that a migration makes, or makes again, as `jobsctl_enqueue()`. */
export const functionsIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/^ *create (?:or replace )?function (\w+)/gm)].map(([, name]) => `${name}()`)),
]

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

function partsOf(body: string): Omit<TableText, 'name'> {
  const columns: TableText['columns'] = []
  const constraints: string[] = []
  let note: string[] = []
  for (const line of body.split('\n').map((text) => text.trim())) {
    if (line.startsWith('--')) note.push(line.slice(2).trim())
    else if (/^(primary key|unique|like) /.test(line)) constraints.push(withoutComma(line))
    else if (line.startsWith('check ')) extend(columns, withoutComma(line))
    else if (line !== '') {
      const [, name = '', type = ''] = /^(\w+) (.*)$/.exec(withoutComma(line)) ?? []
      columns.push({ name, type, note: note.join(' ') })
    }
    if (!line.startsWith('--')) note = []
  }
  return { columns, constraints }
}

const withoutComma = (line: string): string => line.replace(/,$/, '')

/** A check that stands on a line of its own belongs to the column above. */
function extend(columns: TableText['columns'], check: string): void {
  const last = columns.at(-1)
  if (last) last.type += ` ${check}`
}
