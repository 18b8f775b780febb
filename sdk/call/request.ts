import { writeJson } from './exact-json.ts'

export type Method = 'GET' | 'POST' | 'DELETE'

/** A request as it goes to the server, without its headers. */
export interface Request {
  method: Method
  /** From the root of the server on, with the query. */
  path: string
  body: string | undefined
  /** True when the request may change something. */
  changing: boolean
}

/** Puts the fields of an input into the path, into the query of a GET, and into the body of the others. */
export function requestOf(method: Method, pattern: string, input: object): Request {
  const fields = new Map<string, unknown>(Object.entries(input).filter(([, value]) => value !== undefined))
  const path = pattern.replaceAll(/:(\w+)/g, (_whole, name: string) => {
    const value = fields.get(name)
    fields.delete(name)
    // A URL takes away `.` and `..`, so that the call would be another one.
    if ((typeof value !== 'string' && typeof value !== 'number') || /^\.{0,2}$/.test(String(value)))
      throw new TypeError(`${name} must be given, and be neither blank nor . nor ..`)
    return encodeURIComponent(value)
  })
  if (method === 'GET') {
    const query = new URLSearchParams([...fields].flatMap(([name, value]) => inQuery(name, value)))
    return { method, path: query.size > 0 ? `${path}?${query}` : path, body: undefined, changing: false }
  }
  return { method, path, body: writeJson(Object.fromEntries(fields)), changing: fields.get('dry_run') !== true }
}

/** A list is one text with commas. A filter on the payload has its path in the name of the parameter: `payload.customer.id=7`. */
function inQuery(name: string, value: unknown): [string, string][] {
  if (value === null) return []
  if (!Array.isArray(value)) return [[name, value instanceof Date ? value.toISOString() : String(value)]]
  if (name !== 'payload') return [[name, value.join(',')]]
  return value.map((filter: { path: string; value: string }) => [`payload.${filter.path}`, filter.value])
}
