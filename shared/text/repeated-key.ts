import { endOfString } from './exact-numbers.ts'

/**
 * The path of the first key that stands twice in one object, such as `profiles.prod-eu`: programs read the last value alone, and say nothing.
 * A list adds nothing to the path. Undefined without such a key.
 * @param json valid JSON
 */
export function repeatedKey(json: string): string | undefined {
  const open: { keys: Set<string>; key: string }[] = []
  for (let at = 0; at < json.length; at++) {
    const sign = json[at]
    if (sign === '{' || sign === '[') open.push({ keys: new Set(), key: '' })
    else if (sign === '}' || sign === ']') open.pop()
    else if (sign === '"') {
      const end = endOfString(json, at)
      const text: unknown = JSON.parse(json.slice(at, end))
      at = end - 1
      const object = open.at(-1)
      if (!object || !/^\s*:/.test(json.slice(end, end + 1000)) || typeof text !== 'string') continue
      object.key = text
      if (object.keys.has(text)) return open.flatMap(({ key }) => key || []).join('.')
      object.keys.add(text)
    }
  }
  return undefined
}
