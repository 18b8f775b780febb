/**
 * The first name that an object of a JSON text has twice, such as `profiles.prod-eu`: `JSON.parse` takes the last one, and says nothing.
 * @param text valid JSON
 */
export function nameGivenTwice(text: string): string | undefined {
  const inside: { seen: Set<string>; name: string }[] = []
  for (const [token, quoted, isName] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (token === '{' || token === '[') inside.push({ seen: new Set(), name: '' })
    else if (token === '}' || token === ']') inside.pop()
    const object = inside.at(-1)
    if (quoted === undefined || isName === undefined || !object) continue
    object.name = String(JSON.parse(quoted))
    if (object.seen.has(object.name)) return inside.flatMap(({ name }) => name || []).join('.')
    object.seen.add(object.name)
  }
  return undefined
}
