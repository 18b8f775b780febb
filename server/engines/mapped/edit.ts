import type { EditableField } from '../../../shared/changes/edit.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Cannot } from '../can.ts'
import { quotedText } from '../parts/sql-text.ts'
import type { EngineEdit, EngineEdits, JsonText } from '../writes.ts'
import { changedColumns } from './image.ts'
import type { JobsMap, ValueOfRow } from './map.ts'
import { type Column, columnOf, type Mapped, rowJson, valueFrom, whyNotSet } from './table.ts'
import { timeInto } from './values.ts'

type Part = EditableField | 'payload'
type Parts = Pick<JobsMap, 'owner' | 'payload' | 'priority' | 'max_attempts' | 'batch_group' | 'job_type'> & {
  times: Pick<JobsMap['times'], 'due'>
}

/** The columns that a map declares whole for what an edit can change. */
function namesOf({ times, ...map }: Parts): Partial<Record<Part, string>> {
  const named = (value: string | ValueOfRow | undefined) =>
    typeof value !== 'object' || value.from !== undefined || value.at !== undefined ? undefined : value.column
  const all = {
    priority: named(map.priority),
    max_retries: named(map.max_attempts),
    available_at: times.due,
    owner_user_id: named(map.owner),
    batch_group: named(map.batch_group),
    job_type: named(map.job_type),
    payload: named(map.payload),
  }
  return Object.fromEntries(Object.entries(all).filter(([, name]) => name !== undefined))
}

/** Whether a map declares a column that an edit can change. */
export const hasEditable = (map: Parts): boolean => Object.keys(namesOf(map)).length > 0

/** The column that an edit of a part changes; undefined where the map declares none. */
function columnFor({ map, table }: Mapped, part: Part): Column | undefined {
  const name = namesOf(map)[part]
  return name === undefined ? undefined : columnOf(table, name)
}

/** Whether a column keeps JSON with every byte of its text. */
const isJsonText = ({ base }: Column): boolean => base === 'json' || base === 'text'

/** An SQL expression of type text over a row `j`: the payload, in a column that keeps its text; undefined for another one. */
export function payloadText(mapped: Mapped): string | undefined {
  const column = columnFor(mapped, 'payload')
  return column && isJsonText(column) ? `j.${column.quoted}::text` : undefined
}

function payloadTextOf(mapped: Mapped): JsonText | undefined {
  const column = columnFor(mapped, 'payload')
  return column && isJsonText(column) ? { text: '(jobs.native_payload)', isJson: column.base === 'json' } : undefined
}

/** How jobs of a mapped table are edited: in the columns that its map declares. */
export const editsOf = (mapped: Mapped): Omit<EngineEdits, 'assignments'> => ({
  whyNot: (edit) => whyNot(mapped, edit),
  payloadText: payloadTextOf(mapped),
  names: (edit) => partsOf(edit).flatMap((part) => columnFor(mapped, part)?.name ?? []),
  values: () => valuesOf(mapped, 'j'),
})

const partsOf = ({ fields, payload }: Pick<EngineEdit, 'fields' | 'payload'>): Part[] => [
  ...fields.map(({ field }) => field),
  ...(payload ? (['payload'] as const) : []),
]

/** An SQL expression of type jsonb over a row: the columns that an edit may change and that images of other changes do not have. */
export const valuesOf = (mapped: Mapped, row: string): string => {
  const columns = furtherColumns(mapped)
  return columns.length === 0 ? `'{}'::jsonb` : rowJson(columns, row)
}

export function furtherColumns(mapped: Mapped): Column[] {
  const known = new Set(changedColumns(mapped).map(({ name }) => name))
  const names = new Set(Object.values(namesOf(mapped.map)).filter((name) => !known.has(name)))
  return [...names]
    .map((name) => columnOf(mapped.table, name))
    .filter((column) => whyNotSet(mapped, column) === undefined)
}

/** Why jobs cannot be due at times of their own when they run again; undefined where they can. */
export function whyNoSpread(mapped: Mapped): Cannot | undefined {
  const { times } = mapped.map
  const instead = 'without --spread, or with a column of its own as times.due in the map'
  if (times.due === undefined) return { cannot: 'the map names no time from which a job can run', instead }
  const cannot = whyNotSet(mapped, columnOf(mapped.table, times.due))
  return cannot === undefined ? undefined : { cannot, instead }
}

/** Why these jobs cannot be edited so; undefined where they can. */
function whyNot(mapped: Mapped, { fields, payload, readsPayload, retry }: EngineEdit): Cannot | undefined {
  const { map, table } = mapped
  if (retry && !map.retry)
    return { cannot: 'the map of the table has no retry', instead: 'add retry: {set: …}, or edit without --then retry' }
  const noSpread = retry?.spread_seconds === undefined ? undefined : whyNoSpread(mapped)
  if (noSpread) return noSpread
  for (const part of partsOf({ fields, payload })) {
    const column = columnFor(mapped, part)
    const given = { max_retries: 'max_attempts', available_at: 'times.due', owner_user_id: 'owner' }
    const name = Object.entries(given).find(([field]) => field === part)?.[1] ?? part
    if (!column)
      return {
        cannot: `the map of the table declares no column of its own for ${part}`,
        instead: `add ${name} with a column of ${table.relation} to the map`,
      }
    const cannot = whyNotSet(mapped, column)
    if (cannot !== undefined)
      return { cannot, instead: column.isGenerated ? 'edit what it is computed from' : 'edit another field' }
    if (retry && Object.hasOwn(map.retry?.set ?? {}, column.name))
      return {
        cannot: `the retry of the map sets the column ${column.quoted} itself`,
        instead: `edit ${part} first, and retry the jobs then`,
      }
    const isEmptied = fields.some(({ field, text }) => field === part && text === null)
    if (isEmptied && column.required)
      return { cannot: `the column ${column.quoted} must have a value`, instead: `set ${part} in place of emptying it` }
  }
  const column = payload || readsPayload ? columnFor(mapped, 'payload') : undefined
  if (column && column.base !== 'jsonb' && !isJsonText(column))
    return {
      cannot: `the payload is a column of type ${column.base}, and an edit writes jsonb, json and text`,
      instead: `alter table ${table.relation} alter column ${column.quoted} type jsonb, or an update in SQL`,
    }
  return undefined
}

/** The assignments of an edit to a row `j`; `picked.due` is the time from which it can run. */
export function editAssignments(mapped: Mapped, sql: Sql, { fields, payload }: EngineEdit): Fragment[] {
  const assigned = fields.flatMap(({ field, text }) => {
    const column = columnFor(mapped, field)
    if (!column) return []
    const { quoted, type } = column
    if (field === 'available_at' && text !== null)
      return sql.unsafe(`${quoted} = ${timeInto(mapped, column, 'picked.due')}`)
    return sql`${sql.unsafe(quoted)} = ${text}::text::${sql.unsafe(type)}`
  })
  const column = columnFor(mapped, 'payload')
  if (!payload || !column) return assigned
  const kept = `j.${column.quoted}${isJsonText(column) ? '::text' : ''}`
  return [...assigned, sql`${sql.unsafe(column.quoted)} = (${payload(sql.unsafe(kept))})::${sql.unsafe(column.type)}`]
}

/** The assignments that give back what an edit has overwritten, from the image `picked.before`; each begins with a comma. */
export const editRestored = (mapped: Mapped): string =>
  furtherColumns(mapped)
    .map((column) => {
      const kept = `picked.before -> 'edited'`
      const was = valueFrom(`(${kept})`, column)
      return `, ${column.quoted} = case when ${kept} ? ${quotedText(column.name)} then ${was} else j.${column.quoted} end`
    })
    .join('')
