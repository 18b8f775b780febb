import type { Fault } from './errors.ts'

/** The body of an error, as a client reads it. What is malformed in it is left out, so that the rest is told. */
export interface Problem {
  /** What happened, in a sentence; undefined where the faults say it, and in a body that says nothing. */
  detail: string | undefined
  /** What is wrong with the request. */
  faults: readonly Fault[]
  /** Where other servers look for a fault, such as `path` or `body`. */
  places: readonly string[]
  code: string | undefined
  hint: string | undefined
  requestId: string | undefined
  /** The ids of the event log, beside `events_reset` and `events_expired`; null for an empty log. */
  oldestId: number | null | undefined
  newestId: number | undefined
  /** Beside `database_unavailable`; servers before version 0.2 do not send it. */
  isRefusedByDatabase: boolean
}

/**
 * Reads the body of an error, as RFC 9457 has it. Other servers send only `detail`, and some send a list of `{loc, msg}`, an object
 * `{message}`, or other JSON where jobs-server sends a sentence.
 */
export function problemOf(body: unknown): Problem {
  const fields = fieldsOf(body)
  const { detail } = fields
  const listed = Array.isArray(detail) ? detail.flatMap(placedFaultOf) : []
  const own = Array.isArray(fields.errors) ? fields.errors.flatMap(faultOf) : []
  return {
    detail: listed.length > 0 ? undefined : sentenceOf(detail),
    faults: own.length > 0 ? own : listed.map(({ fault }) => fault),
    places: listed.map(({ place }) => place),
    code: textOf(fields.code),
    hint: textOf(fields.hint),
    requestId: textOf(fields.request_id),
    oldestId: fields.oldest_id === null ? null : numberOf(fields.oldest_id),
    newestId: numberOf(fields.newest_id),
    isRefusedByDatabase: fields.refused_by_database === true,
  }
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {}
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

function faultOf(value: unknown): Fault[] {
  const { path, message } = fieldsOf(value)
  return typeof path === 'string' && typeof message === 'string' ? [{ path, message }] : []
}

/** A fault `{loc, msg}`: `loc` leads from a part of the request, such as `body`, to the field. */
function placedFaultOf(value: unknown): { place: string; fault: Fault }[] {
  const { loc, msg } = fieldsOf(value)
  if (typeof msg !== 'string') return []
  const way = (Array.isArray(loc) ? loc : [loc]).filter((step) => typeof step === 'string' || typeof step === 'number')
  return [{ place: String(way[0] ?? ''), fault: { path: String(way.at(-1) ?? ''), message: msg } }]
}

const mostCharacters = 500

/** A sentence as it is, that of a server in maintenance, `{code, message}`, or other JSON, of which it has at most 500 characters. */
function sentenceOf(detail: unknown): string | undefined {
  if (typeof detail !== 'object' || detail === null) return textOf(detail)
  const { code, message, ...more } = fieldsOf(detail)
  const isMessage = typeof message === 'string' && message !== '' && Object.keys(more).length === 0
  if (isMessage && (code === undefined || typeof code === 'string')) return message
  return Array.isArray(detail) && detail.length === 0 ? undefined : JSON.stringify(detail).slice(0, mostCharacters)
}
