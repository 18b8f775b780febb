import type { Target } from '../settings/target.ts'
import type { Response } from './connection.ts'
import { redactorFor } from './redact.ts'

/** A complete answer of the server. */
export interface Received {
  status: number
  headers: Record<string, unknown>
  header: (name: string) => string | undefined
  /** The parsed body; undefined where the body is no JSON. */
  json: unknown
  /** The body as it was sent; empty where it came line by line. */
  text: string
}

/** The value of a header by its name; the first where the server sent several. */
export const headerOf =
  ({ headers }: Pick<Response, 'headers'>) =>
  (name: string): string | undefined => {
    const value = headers[name.toLowerCase()]
    return Array.isArray(value) ? value[0] : value
  }

/** The answer with the key masked: a server may echo the key, and error messages end in logs. */
export function redacted({ status, headers, header, json }: Received, target: Target): Omit<Received, 'text'> {
  const masked = redactorFor(target)
  const maskedValue = (_name: string, value: unknown) => (typeof value === 'string' ? masked(value) : value)
  return {
    status,
    headers,
    header: (name) => {
      const value = header(name)
      return value === undefined ? undefined : masked(value)
    },
    json: json === undefined ? undefined : JSON.parse(JSON.stringify(json), maskedValue),
  }
}
