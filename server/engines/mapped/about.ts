import { quotedText } from '../parts/sql-text.ts'
import type { EngineActOrEdit } from '../writes.ts'
import { editsOf, furtherColumns } from './edit.ts'
import { stateColumns } from './states.ts'
import type { Mapped } from './table.ts'

/**
 * SQL expressions over an image: the columns that an act is about. An undo has those of the state first, and then those of all other acts. The
 * columns of the state are compared in place of the state, which may go by the time of day.
 */
export function aboutOf(mapped: Mapped, act: EngineActOrEdit | { act: 'undo' }): ((image: string) => string)[] {
  const { map } = mapped
  const further = furtherColumns(mapped).map(({ name }) => name)
  const value = (name: string) => (image: string) =>
    `(${image} -> ${quotedText(further.includes(name) ? 'edited' : 'row')} -> ${quotedText(name)})`
  const due = map.times.due === undefined ? [] : [map.times.due]
  const priority = map.priority ? [map.priority.column] : []
  switch (act.act) {
    case 'reschedule':
      return due.map(value)
    case 'priority':
      return priority.map(value)
    case 'edit':
      return editsOf(mapped).names(act).map(value)
    case 'undo': {
      const state = stateColumns(mapped).map(quotedText).join(', ')
      const ofState = (image: string) =>
        `(select pg_catalog.jsonb_agg(${image} -> 'row' -> name order by name) from pg_catalog.unnest(array[${state}]::text[]) as name)`
      return [ofState, ...[...due, ...priority, ...further].map(value)]
    }
    default:
      return []
  }
}
