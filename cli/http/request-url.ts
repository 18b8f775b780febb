/** The path of a call, and the fields that are left for the query or the body. */
interface Placed {
  path: string
  fields: object
}

/** Fills the `:id` parts of a path from the input; fields in the path are not sent a second time. */
export function placeFields(path: string, input: unknown): Placed {
  const fields = new Map<string, unknown>(Object.entries(input ?? {}))
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = String(fields.get(name))
    fields.delete(name)
    return encodeURIComponent(value)
  })
  return { path: filled, fields: Object.fromEntries(fields) }
}

/** The input of a GET as its query; undefined fields are left out. */
export function queryOf(input: unknown): string {
  const fields = Object.entries(input ?? {}).filter(([, value]) => value !== undefined)
  return new URLSearchParams(Object.fromEntries(fields.map(([name, value]) => [name, String(value)]))).toString()
}
