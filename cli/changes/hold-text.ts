import type { Hold } from '../../shared/records/holds.ts'
import { escaped } from '../../shared/text/escape.ts'
import { filterNames } from '../settings/flags/filter-flags.ts'
import { jobsText } from '../text/numbers.ts'
import { describeRequest } from './filtered.ts'

type Subject = Pick<Hold, 'filter' | 'operation_id' | 'jobs' | 'undo_id'>

/** What a hold is over, in words. A field of the filter that no flag has, such as a value of the payload, is shown as JSON. */
export function subjectOf({ filter, operation_id, jobs, undo_id }: Subject): string {
  if (operation_id !== null) return `operation ${operation_id}`
  if (filter === null)
    return undo_id === null ? jobsText(jobs ?? 0) : `${jobsText(jobs ?? 0)} that undo ${undo_id} gave back`
  const fields = Object.entries(filter)
  const hidden = fields.flatMap(([name, value]) => (value === null ? [` with a hidden ${escaped(name)}`] : []))
  const shown = fields.filter(([, value]) => value !== null)
  const others = Object.fromEntries(shown.filter(([name]) => !filterNames.has(name)))
  const more = Object.keys(others).length > 0 ? ` with ${escaped(JSON.stringify(others))}` : ''
  return `jobs in ${describeRequest(Object.fromEntries(shown))}${more}${hidden.join('')}`
}

/** `2026-12-26 12:00 UTC` */
export const untilText = ({ until }: Pick<Hold, 'until'>): string =>
  `${escaped(until.slice(0, 16).replace('T', ' '))} UTC`
