import { isDeepStrictEqual } from 'node:util'
import { restoreDigits } from '../../../sdk/call/exact-json.ts'
import { mask } from '../../../shared/text/mask.ts'

interface Value {
  path: string[]
  json: string
}

interface Found {
  set: Value[]
  unset: string[][]
  /** What was shown in their places: a value that somebody has changed meanwhile is not overwritten. */
  if: Value[]
}

/**
 * What was changed between two texts of a job, as an edit has it. Only what differs is named, so that a masked value which came back as it was
 * shown is no part of it.
 * @param before as `readExactly` reads it
 */
export function changesBetween(before: Record<string, unknown>, after: Record<string, unknown>): Found {
  const found: Found = { set: [], unset: [], if: [] }
  compare(before, after, [], found)
  return found
}

function compare(before: unknown, after: unknown, path: string[], found: Found): void {
  if (isDeepStrictEqual(before, after)) return
  if (isObject(before) && isObject(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const at = [...path, name]
      if (!Object.hasOwn(after, name)) {
        found.unset.push(at)
        condition(before[name], at, found)
      } else if (!Object.hasOwn(before, name)) found.set.push(valueAt(after[name], at))
      else compare(before[name], after[name], at, found)
    }
    return
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    before.forEach((item, nth) => {
      compare(item, after[nth], [...path, String(nth)], found)
    })
    return
  }
  // A field of the job that is empty is null there.
  if (after === null && path.length === 1 && path[0] !== 'payload') found.unset.push(path)
  else found.set.push(valueAt(after, path))
  condition(before, path, found)
}

/** Nobody can tell whether a masked value is still the same. */
function condition(before: unknown, path: string[], found: Found): void {
  const value = valueAt(before, path)
  if (!value.json.includes(mask)) found.if.push(value)
}

const valueAt = (value: unknown, path: string[]): Value => ({ path, json: restoreDigits(JSON.stringify(value)) })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
