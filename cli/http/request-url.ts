import type { Endpoint } from '../../shared/endpoint.ts'

/** The path of a call, and the fields that are left for the query or the body. */
interface Placed {
  path: string
  fields: object
}

/** The path of a call, which may have `:id` in it, and its input: an id that is no number goes as `key` in the query. */
export function keyedPath(
  { path, preferred, keyed }: Pick<Endpoint, 'path' | 'preferred' | 'keyed'>,
  input: unknown,
): { path: string; input: unknown } {
  const { id, ...others } = Object(input)
  if (keyed === undefined || /^\d+$/.test(id)) return { path: preferred ?? path, input }
  return { path: keyed, input: { key: id, ...others } }
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
