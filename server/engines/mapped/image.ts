import { quotedText } from '../parts/sql-text.ts'
import { stateColumns, statusOf } from './states.ts'
import { type Column, columnOf, type Mapped, rowJson, whyNotSet } from './table.ts'

/** The columns that a change may overwrite. An undo gives them back, but for the lock version, which it raises. */
export function changedColumns(mapped: Mapped): Column[] {
  const { map, table } = mapped
  const names = [
    ...Object.keys(map.retry?.set ?? {}),
    ...Object.keys(map.cancel?.set ?? {}),
    ...(map.times.due === undefined ? [] : [map.times.due]),
    ...(map.priority ? [map.priority.column] : []),
  ]
  return [...new Set(names)]
    .filter((name) => name !== map.lock_version)
    .map((name) => columnOf(table, name))
    .filter((column) => whyNotSet(mapped, column) === undefined)
}

/** The columns by which an undo sees that somebody else has changed a job since. */
function watchedColumns(mapped: Mapped): Column[] {
  const { map, table } = mapped
  const names = [
    ...changedColumns(mapped).map(({ name }) => name),
    ...stateColumns(mapped),
    ...Object.values(map.times).flatMap((name) => name ?? []),
    ...(map.attempts ? [map.attempts.column] : []),
    ...(map.locked_by ? [map.locked_by.column] : []),
    ...(map.lock_version === undefined ? [] : [map.lock_version]),
  ]
  return [...new Set(names)].map((name) => columnOf(table, name))
}

/**
 * An SQL expression of type jsonb: the columns of a row that an undo compares and gives back, beside its table, its key and its state. They stand
 * in an object of their own, so that no column has the name of ours. Two tables of a map may have the same keys.
 */
export const imageOf = (mapped: Mapped, row: string): string =>
  `pg_catalog.jsonb_build_object('table', ${quotedText(mapped.table.relation)}, 'native_id', ${row}.${columnOf(mapped.table, mapped.map.key).quoted}::text, 'status', ${statusOf(mapped, row)},
    'row', ${rowJson(watchedColumns(mapped), row)})`

/** An SQL expression: an image without the state, which may go by the time of day. */
export const comparable = (image: string): string => `(${image} -> ${quotedText('row')})`

/** An SQL expression of the type of the key: the key of the job of an image; null for an image of another table, whose keys may have another type. */
export const keyInImage = ({ table, map }: Mapped, image: string): string =>
  `case when ${image} ->> 'table' = ${quotedText(table.relation)} then (${image} ->> 'native_id')::${columnOf(table, map.key).type} end`
