import { endOfString } from './exact-numbers.ts'

/** The first key that stands twice in one object of a JSON text, of which programs read the last value alone; undefined without such a key. */
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
