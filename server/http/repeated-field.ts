import { endOfString } from '../../shared/text/exact-numbers.ts'

/** The levels of objects and lists that are looked at. No call takes a body with as many. */
const deepest = 100

/**
 * The first name that an object of a valid JSON text has twice, in the first 100 levels. `JSON.parse` would take the last value without a
 * word.
 */
export function repeatedField(json: string): string | undefined {
  const colon = /\s*:/y
  const names: Set<string>[] = [] // of the object that is open at each level
  let level = 0
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '{' || character === '[') {
      level++
      if (names[level]?.size) names[level]?.clear()
    } else if (character === '}' || character === ']') level--
    else if (character === '"') {
      const end = endOfString(json, at)
      colon.lastIndex = end
      if (level <= deepest && colon.test(json)) {
        const name = textOf(json.slice(at, end))
        const siblings = names[level] ?? new Set()
        if (siblings.has(name)) return name
        names[level] = siblings.add(name)
      }
      at = end - 1
    }
  }
  return undefined
}

/** The text of a string of JSON. */
const textOf = (string: string): string => (string.includes('\\') ? String(JSON.parse(string)) : string.slice(1, -1))
