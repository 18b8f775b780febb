import { endOfString } from '../../../shared/exact-numbers.ts'

/** A key that an object of a JSON text has twice, of which programs read only the last; undefined where there is none. */
export function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = []
  for (let at = 0; at < json.length; at++) {
    const sign = json[at]
    if (sign === '{' || sign === '[') open.push(new Set())
    else if (sign === '}' || sign === ']') open.pop()
    else if (sign === '"') {
      const end = endOfString(json, at)
      const text: unknown = JSON.parse(json.slice(at, end))
      at = end - 1
      if (!/^\s*:/.test(json.slice(end, end + 1000)) || typeof text !== 'string') continue
      const keys = open.at(-1)
      if (keys?.has(text)) return text
      keys?.add(text)
    }
  }
  return undefined
}
