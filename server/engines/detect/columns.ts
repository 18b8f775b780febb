import { plainName, type Role, roles } from '../../database/queue-like/words.ts'
import { type Column, isNumber, isText, isTime, isWhole, type Table, uniqueBeside } from '../mapped/table.ts'

const isBoolean = ({ base }: Column): boolean => base === 'bool'
const isWord = (column: Column): boolean =>
  isText(column) || column.base === 'bpchar' || column.base === 'citext' || column.labels !== null
const isPlainValue = (column: Column): boolean => isWord(column) || isWhole(column)
export const isPointInTime = (column: Column): boolean => isTime(column) && column.base !== 'numeric'
const isAny = (): boolean => true

/** The types that a column must have for what its name says. */
const fits: Readonly<Record<Role, (column: Column) => boolean>> = {
  state: isPlainValue,
  locked: isPointInTime,
  started: isPointInTime,
  lockedBy: isAny,
  lease: isPointInTime,
  attempts: isWhole,
  mostAttempts: isWhole,
  due: isPointInTime,
  completed: isPointInTime,
  failed: isPointInTime,
  cancelled: isPointInTime,
  isCompleted: isBoolean,
  isFailed: isBoolean,
  isCancelled: isBoolean,
  isProcessing: isBoolean,
  error: (column) => isText(column) || ['json', 'jsonb', 'citext'].includes(column.base),
  queue: isWord,
  kind: isWord,
  payload: (column) => isText(column) || ['json', 'jsonb', 'hstore'].includes(column.base),
  result: (column) => isText(column) || ['json', 'jsonb'].includes(column.base),
  priority: isNumber,
  owner: (column) => isPlainValue(column) || column.base === 'uuid',
  batch: (column) => isPlainValue(column) || column.base === 'uuid',
  created: isPointInTime,
  updated: isPointInTime,
}

/** Reads from names and types what the columns of a table tell: of each role its columns, the most likely one first. */
export function columnsByRole({ columns }: Table): (role: Role) => readonly Column[] {
  const all = [...columns.values()]
  const found = new Map(
    roles.map(([role, names]) => [
      role,
      names.flatMap((name) => all.filter((column) => plainName(column.name) === name && fits[role](column))),
    ]),
  )
  return (role) => found.get(role) ?? []
}

/** The column that names a job: the one of the primary key, or of another unique index, that is not null and of a type that a key has. */
export function keyOf(table: Table): Column | undefined {
  const { columns, indexes } = table
  const single = indexes.flatMap(({ isUnique, isPartial, columns: [name = '', ...others] }) => {
    const column = columns.get(name)
    const isAlone = others.length === 0 || isByTime(table, name)
    return isUnique && !isPartial && isAlone && column?.required && isKey(column) ? [column] : []
  })
  return (
    single.find(({ name }) => plainName(name) === 'id') ?? single.toSorted((a, b) => rankOfKey(a) - rankOfKey(b))[0]
  )
}

/** True where the table has partitions by a time, which a unique index must then have beside the column. */
const isByTime = (table: Table, name: string): boolean =>
  uniqueBeside(table, name)?.every((beside) => {
    const column = table.columns.get(beside)
    return column !== undefined && isPointInTime(column)
  }) ?? false

export const isKey = (column: Column): boolean => isWhole(column) || column.base === 'uuid' || isText(column)

/** A unique text is more often a name that somebody gave, such as a key against duplicates. */
const rankOfKey = (column: Column): number => (isText(column) ? 2 : column.base === 'uuid' ? 1 : 0)

/** Whether a unique index has the column alone, over all rows or some: its values tell a job from all others. */
export const isAloneUnique = ({ indexes }: Table, { name }: Column): boolean =>
  indexes.some(({ isUnique, columns }) => isUnique && columns.length === 1 && columns[0] === name)

/** The value of a default, where it is one: `0`, or `new` of `'new'::text`. */
export function defaultOf({ fallback }: Column): string | undefined {
  if (fallback === null) return undefined
  const text = /^\(?'((?:[^']|'')*)'(?:::.*)?\)?$/s.exec(fallback)?.[1]
  if (text !== undefined) return text.replaceAll("''", "'")
  return /^\(?(-?\d+|true|false)\)?(?:::.*)?$/.exec(fallback)?.[1]
}
