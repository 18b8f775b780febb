/** A text of JSON, with the colon after it where it is a name; or a bracket. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/g

/** The first name that an object of a JSON text has twice, at any depth. `JSON.parse` would take the last value without a word. */
export function repeatedField(json: string): string | undefined {
  const open: Set<unknown>[] = []
  for (const [found, colon] of json.matchAll(token)) {
    if (found === '{' || found === '[') open.push(new Set())
    else if (found === '}' || found === ']') open.pop()
    else if (colon !== undefined) {
      const name = String(JSON.parse(found.slice(0, -colon.length)))
      if (open.at(-1)?.has(name)) return name
      open.at(-1)?.add(name)
    }
  }
  return undefined
}
