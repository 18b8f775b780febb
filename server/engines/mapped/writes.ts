import type { Fragment, Sql } from '../../database/sql.ts'
import { quotedText } from '../parts/sql-text.ts'
import type { EngineAct, EngineWrites } from '../writes.ts'
import { aboutOf } from './about.ts'
import { archived, archivedColumns, archivedRow, keptColumns, keyColumn } from './archive.ts'
import { editAssignments, editRestored, editsOf, whyNoSpread } from './edit.ts'
import { endedColumn, endIndexOf } from './ended-column.ts'
import { changedColumns, comparable, imageOf, keyInImage } from './image.ts'
import type { Assigned } from './map.ts'
import { statesOf } from './states.ts'
import { columnOf, fingerprintOf, type Mapped, valueFrom } from './table.ts'
import { timeInto, timeKept } from './values.ts'

/** How the jobs of a mapped table are changed: by what its map sets, and by nothing else. */
export function writesOf(mapped: Mapped): EngineWrites {
  const { table } = mapped
  const key = keyColumn(mapped)
  return {
    table: () => table.relation,
    guard: () => `${fingerprintOf(table.relation)} = ${quotedText(table.fingerprint)}`,
    ...pickedBy(mapped),
    isOfImage: (image) => `jobs.native_id = ${keyInImage(mapped, image)}`,
    image: () => imageOf(mapped, 'j'),
    stateOf: (image) => `${image} ->> 'status'`,
    running: 'processing',
    comparable,
    about: (act) => aboutOf(mapped, act),
    assignments: (sql, _, act) => sql`${assignments(mapped, sql, act)} ${raised(mapped, sql)}`,
    edits: {
      ...editsOf(mapped),
      assignments: (sql, _, edit) => {
        const again = edit.retry ? [assignments(mapped, sql, { act: 'retry', ...edit.retry })] : []
        const all = [...editAssignments(mapped, sql, edit), ...again].reduce((some, one) => sql`${some}, ${one}`)
        return sql`${all} ${raised(mapped, sql)}`
      },
    },
    keptDue: mapped.map.times.due === undefined ? undefined : timeKept(mapped, mapped.map.times.due, 'due.time'),
    mayRetry: (sql) => sql`true`,
    whyNoSpread: whyNoSpread(mapped),
    whyNoRetry: (sql) => sql`null::text`,
    mayDelete: (sql, _, by) => mayDelete(mapped, sql, by),
    ...(mayLackEnd(mapped) && { whyNoPrune: (sql: Sql) => whyNoPrune(mapped, sql) }),
    referred: { columns: { [key.quoted]: 'native_id' } },
    endIndex: endIndexOf(mapped),
    // A job without the time stays; `whyNoPrune` reads such jobs.
    endedBefore: (sql, _, time) => {
      const column = endedColumn(mapped, sql)
      return column && sql`(${column.before(time)} or jobs.native_end is null)`
    },
    restored: (sql, _, __, edited) => {
      const back = changedColumns(mapped).map(
        (column) => `${column.quoted} = ${valueFrom(`picked.before -> 'row'`, column)}`,
      )
      const more = edited ? editRestored(mapped) : ''
      return sql`${sql.unsafe(`${back.join(', ')}${back.length === 0 ? more.replace(/^, /, '') : more}`)} ${raised(mapped, sql)}`
    },
    revived: async (sql) => revived(mapped, sql),
    whyNotInserted: 'a value of it that is unique in the table is taken, or a trigger keeps it out',
    obstacle: (sql) => obstacle(mapped, sql),
    // The insertion meets an id that is taken by itself.
    ...(table.references.length === 0 && { failsLater: (sql: Sql) => sql`false` }),
    archived: ({ domain }, ours) => archived({ ...mapped, domain }, ours),
    archivedColumns: async () => archivedColumns(mapped),
    archivedBy: {
      isChosen: `archived.native_id = chosen.native_id::text and archived.job_table = ${quotedText(table.relation)}`,
      order: 'uuid',
      isFrom: (sql, { id }) => sql`jobs.uuid >= ${id}::text`,
      columns: 'native_id',
      // The archive compares bytes, and a column of the table may have a collation of its own.
      inserted: `${key.quoted}::text collate "C" as native_id`,
    },
  }
}

/**
 * How the rows that a statement has locked are found again: in a table without partitions by their tids, which needs no index. Two partitions may
 * have rows with the same tid.
 */
function pickedBy(mapped: Mapped): Pick<EngineWrites, 'isPicked' | 'hasTid' | 'isAmongPicked'> {
  const { quoted } = keyColumn(mapped)
  if (mapped.table.kind === 'r')
    return {
      isPicked: 'j.ctid = picked.tid',
      hasTid: true,
      isAmongPicked: 'j.ctid = any(array(select tid from picked))',
    }
  const isAmongPicked = `j.${quoted} = any(array(select native_id from picked))`
  return { isPicked: `j.${quoted} = picked.native_id and ${isAmongPicked}`, isAmongPicked }
}

/** Whether the table can have an ended job without the time of its end. */
const mayLackEnd = ({ map, table }: Mapped): boolean =>
  [map.times.ended ?? []].flat().every((name) => !columnOf(table, name).required)

/** The age of a job counts from its end: one that was made long ago may have ended a moment ago. */
const whyNoPrune = ({ map }: Mapped, sql: Sql): Fragment => sql`case
  when jobs.native_ended is null and jobs.status = any(${map.prune?.of ?? []}::text[]) then 'the table does not say when it ended'
end`

/**
 * A prune deletes jobs of the states that the map names, where the time of their end is known, and an erasure every job that no worker can have. Where
 * the map does not tell which jobs run, a waiting one may.
 */
function mayDelete({ map }: Mapped, sql: Sql, by: 'prune' | 'erase'): Fragment {
  const states = statesOf(map)
  const waiting = states.includes('processing') ? states.filter((state) => state !== 'processing') : []
  const named = [...(map.prune?.of ?? []), ...(by === 'erase' ? waiting : [])]
  const isEnded = by === 'prune' ? sql`and jobs.native_ended is not null` : sql``
  return sql`(jobs.status = any(${[...new Set(named)]}::text[]) ${isEnded})`
}

/** Who else has read the row sees that it was changed. Begins with a comma; empty where the map names no such column. */
function raised({ map, table }: Mapped, sql: Sql): Fragment {
  if (map.lock_version === undefined) return sql``
  const { quoted } = columnOf(table, map.lock_version)
  return sql.unsafe(`, ${quoted} = coalesce(j.${quoted}, 0) + 1`)
}

function assignments(mapped: Mapped, sql: Sql, act: EngineAct): Fragment {
  const { map, table } = mapped
  switch (act.act) {
    case 'retry': {
      const { spread_seconds: spread } = act
      if (spread === undefined) return sql.unsafe(setOf(mapped, map.retry?.set ?? {}))
      const { [map.times.due ?? '']: _, ...others } = map.retry?.set ?? {}
      const column = columnOf(table, map.times.due ?? '')
      const time = timeInto(mapped, column, `(now() + random() * ${spread} * interval '1 second')`)
      return sql.unsafe([setOf(mapped, others), `${column.quoted} = ${time}`].filter(Boolean).join(', '))
    }
    case 'cancel':
      return sql.unsafe(setOf(mapped, map.cancel?.set ?? {}))
    case 'reschedule': {
      const column = columnOf(table, map.times.due ?? '')
      return sql.unsafe(`${column.quoted} = ${timeInto(mapped, column, 'picked.due')}`)
    }
    case 'priority': {
      const { quoted, type } = columnOf(table, map.priority?.column ?? '')
      return sql`${sql.unsafe(quoted)} = ${act.priority}::int::${sql.unsafe(type)}`
    }
  }
}

/** The assignments of a map, as SQL. */
function setOf(mapped: Mapped, set: Assigned): string {
  return Object.entries(set)
    .filter(([name]) => name !== mapped.map.lock_version)
    .map(([name, value]) => {
      const column = columnOf(mapped.table, name)
      if (value === null) return `${column.quoted} = null`
      const isNow = value === 'now()'
      return `${column.quoted} = ${isNow ? timeInto(mapped, column, 'now()') : `${quotedText(String(value))}::${column.type}`}`
    })
    .join(', ')
}

/** A column that the table has got since gets its default. */
function revived(mapped: Mapped, sql: Sql): { names: Fragment; values: Fragment } {
  const columns = keptColumns(mapped)
  const values = columns.map((column) => {
    const value = valueFrom('picked.row', column)
    const fallback = column.fallback ?? 'null'
    return `case when picked.row ? ${quotedText(column.name)} then ${value} else (${fallback})::${column.type} end`
  })
  return {
    names: sql.unsafe(columns.map(({ quoted }) => quoted).join(', ')),
    values: sql.unsafe(values.join(', ')),
  }
}

/** A row of another table to which the job refers, and which is gone, would end the whole batch. */
function obstacle(mapped: Mapped, sql: Sql): Fragment {
  const { table } = mapped
  const key = keyColumn(mapped)
  const names = [...table.columns.keys()].map(quotedText)
  const needed = keptColumns(mapped).filter(({ required, fallback }) => required && fallback === null)
  const row = `jobs.${archivedRow}`
  const gone = table.references
    .filter((reference) => reference.table !== table.relation)
    .map(({ table: other, columns }) => {
      const pairs = columns.map(([own, theirs]) => {
        const column = [...table.columns.values()].find(({ quoted }) => quoted === own)
        return { value: column ? valueFrom(row, column) : 'null', theirs }
      })
      const isGiven = pairs.map(({ value }) => `${value} is not null`).join(' and ')
      const isSame = pairs.map(({ value, theirs }) => `other.${theirs} = ${value}`).join(' and ')
      return `when ${isGiven} and not exists (select from ${other} as other where ${isSame} offset 0)
        then ${quotedText(`the row of ${other} to which it refers was deleted`)}`
    })
  return sql.unsafe(`case
    when ${row} - array[${names.join(', ')}]::text[] <> '{}'::jsonb then 'the table has lost a column of it since'
    when not ${row} ?& array[${needed.map(({ name }) => quotedText(name)).join(', ')}]::text[]
      then 'the table has got a column since that must have a value, and has no default'
    when exists (select from ${table.relation} as live where live.${key.quoted} = jobs.native_id offset 0) then 'its id is taken'
    ${gone.join('\n    ')}
  end`)
}
