import {
  changedPaths,
  type EditableField,
  type EditRequest,
  isEditableField,
  jsonOfValue,
  stepsOf,
  type Valued,
} from '../../../../shared/changes/edit.ts'
import type { JsonText } from '../../../engines/writes.ts'

/** A value within the payload: the names down to it, and the text of its JSON. */
export interface PartValue {
  path: readonly string[]
  json: string
}

/** A field of the job, and its value as a text; null empties it. */
export interface FieldValue {
  field: EditableField
  text: string | null
}

/** What an edit does to each job. */
export interface EditPlan {
  sets: readonly PartValue[]
  unsets: readonly (readonly string[])[]
  fields: readonly FieldValue[]
  /** What must be there now. */
  parts: readonly PartValue[]
  columns: readonly FieldValue[]
  /** The payload over `jobs`, in a column that keeps JSON as a text; undefined for jsonb. */
  payloadText?: JsonText | undefined
}

/** Reads what a request changes, and where. */
export function planOf({ set = [], unset = [], if: conditions = [] }: EditRequest): EditPlan {
  const [sets, fields] = divided(set)
  const [parts, columns] = divided(conditions)
  const paths = unset.map(stepsOf)
  return {
    sets,
    unsets: paths.flatMap(([first, ...path]) => (first === 'payload' ? [path] : [])),
    fields: [...fields, ...paths.flatMap(([field = '']) => (isEditableField(field) ? [{ field, text: null }] : []))],
    parts,
    columns,
  }
}

/** The values of the payload, and those of fields. */
function divided(given: readonly Valued[]): [PartValue[], FieldValue[]] {
  const parts: PartValue[] = []
  const fields: FieldValue[] = []
  for (const one of given) {
    const [first = '', ...path] = stepsOf(one.path)
    const json = jsonOfValue(one)
    if (!isEditableField(first)) parts.push({ path, json })
    else {
      const value: unknown = JSON.parse(json)
      fields.push({ field: first, text: value === null ? null : String(value) })
    }
  }
  return [parts, fields]
}

/** The path of a value as people read it; names with dots and other signs are quoted. */
export const pathText = (steps: readonly string[]): string =>
  steps.map((step) => (/^[^.\s"]+$/.test(step) ? step : JSON.stringify(step))).join('.')

/** What the record has of a request: paths, types and lengths in characters of JSON, and no value nor a hash of one. */
export function recordedEdit(request: EditRequest) {
  const { set, unset, if: conditions, next } = request
  return {
    ...(set && { set: set.map(recordedValue) }),
    ...(unset && { unset: unset.map((path) => pathText(stepsOf(path))) }),
    ...(conditions && { if: conditions.map(recordedValue) }),
    ...(next && { next }),
  }
}

function recordedValue(given: Valued) {
  const json = jsonOfValue(given)
  return { path: pathText(stepsOf(given.path)), type: typeOf(JSON.parse(json)), length: json.length }
}

/** The type of a value in the words of JSON. */
export const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

/** The paths that an edit changes, as people read them. */
export const pathTexts = (request: EditRequest): string[] => changedPaths(request).map(pathText)
