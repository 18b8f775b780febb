import { type Called, tools } from '../mcp/tools.ts'
import type { Shape } from './shape.ts'
import type { Treatment } from './treatments.ts'
import { shapeFor } from './view.ts'

/** What agents are given of a field, and the tools whose answers have it. */
export interface FieldRow {
  field: string
  given: string
  tools: string[]
}

/**
 * What agents are given, field by field, as it follows from the schemas of the tools.
 * @param added the names of `JOBS_AGENT_FIELDS`
 */
export function fieldTable(added: ReadonlySet<string>): FieldRow[] {
  const rows = new Map<string, FieldRow>()
  for (const { name, calls } of tools)
    for (const { endpoint } of calls)
      for (const [field, given] of fieldsOf(endpoint, added)) {
        const key = `${field}\n${given}`
        const row = rows.get(key) ?? { field, given, tools: [] }
        if (!row.tools.includes(name)) row.tools.push(name)
        rows.set(key, row)
      }
  return [...rows.values()].sort((one, other) => (one.field < other.field ? -1 : one.field > other.field ? 1 : 0))
}

const fieldsOf = (endpoint: Called, added: ReadonlySet<string>): [string, string][] => {
  const found: [string, string][] = []
  const walk = (shape: Shape, name: string): void => {
    if (shape.is === 'object') for (const [field, of] of shape.fields) walk(of, field)
    else if (shape.is === 'array') walk(shape.item, name)
    else found.push([name, wordsOf(shape)])
  }
  walk(shapeFor(endpoint, added), '')
  return found
}

const wordsOf = (shape: Exclude<Shape, { is: 'object' | 'array' }>): string =>
  shape.is === 'text' ? textOf(shape.treatment) : 'given'

function textOf(treatment: Treatment): string {
  if (treatment === 'withheld') return 'withheld'
  if (treatment === 'text') return 'given as untrusted_text'
  if (treatment === 'open') return 'given field by field, as this table says'
  if (treatment === 'word') return 'given where it is one word, else withheld'
  if (treatment === 'id') return 'given where it is a number or a uuid, else pseudonym job-…'
  return 'name' in treatment
    ? `given where it is one word, else pseudonym ${treatment.name}-…`
    : `pseudonym ${treatment.pseudonym}-…`
}
