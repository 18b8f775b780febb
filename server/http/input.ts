import type { Context } from 'hono'
import * as z from 'zod'
import type { Right } from '../../shared/access/rights.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import { Failure, type Fault } from '../../shared/errors.ts'
import { faultsOf } from '../../shared/faults.ts'
import { headers, isConfirmed, maxReasonLength } from '../../shared/headers.ts'
import { inexactNumber } from '../../shared/text/exact-numbers.ts'
import { PathJobId, TypedJobId } from '../../shared/work/job.ts'
import { isDeep } from '../database/lossless-json.ts'
import type { Sql } from '../database/sql.ts'
import { readNames } from '../engines/read-names.ts'
import { servedBy } from '../engines/served.ts'
import { rejectAbortedBody } from './body-limit.ts'
import { repeatedField } from './repeated-field.ts'

/**
 * Reads the input of an endpoint: from the path, and from the query of a GET or the body of another method.
 * @param sql of the server, which says whose jobs it serves
 * @param names puts names in place of the pseudonyms that an agent sends
 * @returns the input, and the fields as they were sent
 * @throws Failure `unsupported_media_type`, `malformed_json`, or `invalid_request` with every fault
 */
export async function readInput<In extends z.ZodType>(
  c: Context,
  endpoint: Endpoint<In>,
  sql: Sql,
  names: (sent: unknown) => unknown = (sent) => sent,
): Promise<Input<In>> {
  const sent = await fieldsOf(c, endpoint, sql)
  const fields = names(sent)
  return { input: readNames(sql, fields, () => parsed(endpoint.input, fields)), sent }
}

interface Input<In extends z.ZodType> {
  input: z.output<In>
  sent: unknown
}

async function fieldsOf(c: Context, endpoint: Endpoint, sql: Sql): Promise<unknown> {
  if (endpoint.keyed !== undefined && endpoint.keyed === c.req.path) return withIdOfKey(queryOf(c))
  if (endpoint.keyed !== undefined) checkIdInPath(c, endpoint.keyed, sql)
  if (endpoint.method === 'GET') return withUrlFields(queryOf(c), c.req.param())
  const query = queryBesideBody(c, endpoint.query)
  return withUrlFields(await jsonOf(c, endpoint), { ...query, ...c.req.param() })
}

/**
 * Reads the query of a call.
 * @throws Failure `invalid_request` with every fault
 */
export function readQuery<In extends z.ZodType>(c: Context, input: In, sql: Sql): z.output<In> {
  const sent = queryOf(c)
  return readNames(sql, sent, () => parsed(input, sent))
}

function parsed<In extends z.ZodType>(input: In, fields: unknown): z.output<In> {
  const read = input.safeParse(fields)
  if (read.success) return read.data
  // Faults name what was sent. zod reads twice as long with it, so only a request with faults is read so, for the second time.
  const { error = read.error } = input.safeParse(fields, { reportInput: true })
  throw invalid(faultsOf(error))
}

const IdInPath = z.object({ id: PathJobId })
const Keyed = z.object({ key: TypedJobId })

/** @throws Failure `invalid_request` for the key of a job of another engine, with the call that takes it in its query */
function checkIdInPath(c: Context, keyed: string, sql: Sql): void {
  const { error } = IdInPath.safeParse(c.req.param(), { reportInput: true })
  if (!error) return
  const hasKeys = servedBy(sql).places.length > 0
  throw invalid(faultsOf(error), hasKeys ? `a key is a field of the query: GET ${keyed}?key=<queue>/<id>` : undefined)
}

/** The fields of a query that has the id of the job as `key`: an `id` of its own would be another name for the same field. */
function withIdOfKey({ key, ...others }: Record<string, string>): unknown {
  if (key === undefined) throw invalid([{ path: 'key', message: 'is missing' }])
  parsed(Keyed, { key })
  if (Object.hasOwn(others, 'id')) throw invalid([{ path: 'id', message: 'is in key already' }])
  return { ...others, id: key }
}

/** Adds the fields of the URL to a body, and refuses a body that repeats one of them. */
function withUrlFields(body: unknown, url: Record<string, string>): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const repeated = Object.keys(url).filter((name) => Object.hasOwn(body, name))
  if (repeated.length > 0) throw invalid(repeated.map((path) => ({ path, message: 'is in the URL already' })))
  return { ...body, ...url }
}

/**
 * The query of a call with a body, which may have only the fields in `taken`: ignoring a filter would change more jobs than
 * the caller meant.
 */
function queryBesideBody(c: Context, taken: readonly string[] = []): Record<string, string> {
  const query = queryOf(c)
  const names = Object.keys(query).filter((name) => !taken.includes(name))
  if (names.length > 0) throw invalid(names.map((path) => ({ path, message: 'belongs in the body, not in the query' })))
  return query
}

/** The fields of the query; a field that is given twice is refused, since it is unclear which value is meant. */
function queryOf(c: Context): Record<string, string> {
  if (!c.req.url.includes('?')) return {} // fast path for most calls, since parsing a URL is slow
  const fields = [...new URL(c.req.url).searchParams]
  const repeated = fields.map(([name]) => name).filter((name, at, names) => names.indexOf(name) !== at)
  if (repeated.length > 0)
    throw invalid([...new Set(repeated)].map((path) => ({ path, message: 'is given more than once' })))
  return Object.fromEntries(fields)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The rights of operators, of those who look, and of those who propose. In the body of their calls a field that is given twice could mean more jobs
 * than the caller thinks, since the last value counts. Programs that enqueue jobs or work on them may send such bodies, as they do on the other server.
 */
const wideRights: ReadonlySet<Right> = new Set(['read', 'queues', 'change', 'edit', 'propose', 'approve', 'govern'])

async function jsonOf(c: Context, { needs, forPrograms }: Endpoint): Promise<unknown> {
  const bytes = await c.req.arrayBuffer().catch(rejectAbortedBody)
  if (bytes.byteLength === 0) throw new Failure('malformed_json', 'the body is empty; it must be JSON')
  if (!isJson(c.req.header('content-type')) || c.req.header('content-encoding')) {
    throw new Failure('unsupported_media_type', 'the body must be plain application/json in UTF-8')
  }
  const { text, json } = parsedJson(bytes)
  const repeated = wideRights.has(needs) ? repeatedField(text) : undefined
  if (repeated !== undefined) throw invalid([{ path: repeated, message: 'is given more than once' }])
  if (!forPrograms && isDeep(text)) throw invalid([{ path: '', message: 'the body has more than 500 levels' }])
  const inexact = inexactNumber(text)
  if (inexact === undefined) return json
  throw invalid([
    { path: '', message: `the number ${inexact.slice(0, 40)} cannot be kept exactly; send it as a string` },
  ])
}

function parsedJson(bytes: ArrayBuffer): { text: string; json: unknown } {
  try {
    const text = utf8.decode(bytes)
    return { text, json: JSON.parse(text) }
  } catch (cause) {
    throw new Failure('malformed_json', 'the body is not JSON in UTF-8', { cause })
  }
}

function isJson(contentType = ''): boolean {
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))
  return type === 'application/json' && (charset === undefined || /^charset="?utf-?8"?$/.test(charset))
}

/** @throws Failure `confirmation_required` for a call without `X-Confirm` */
export function requireConfirmation(c: Context): void {
  if (!isConfirmed(c.req.header(headers.confirm)))
    throw new Failure('confirmation_required', `Confirmation required: set ${headers.confirm}: true`)
}

/**
 * Reads `X-Reason` as text: callers send UTF-8, which Node reads as Latin-1.
 * @throws Failure `invalid_request` when it is too long
 */
export function readReason(c: Context): string | undefined {
  const raw = c.req.header(headers.reason)
  if (!raw) return undefined
  const text = decoded(Buffer.from(raw, 'latin1')) ?? raw
  if ([...text].length > maxReasonLength) {
    throw invalid([{ path: headers.reason, message: `must be at most ${maxReasonLength} characters` }])
  }
  return text.replaceAll(/\p{Cc}/gu, ' ')
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Reads `Idempotency-Key`, the caller's own name for a change.
 * @throws Failure `invalid_request` when it is not 1 to 256 characters of printable ASCII
 */
export function readIdempotencyKey(c: Context): string | undefined {
  const key = c.req.header(headers.idempotencyKey)?.trim()
  if (!key) return undefined
  if (/^[\x20-\x7e]{1,256}$/.test(key)) return key
  throw invalid([{ path: headers.idempotencyKey, message: 'must be 1 to 256 characters of printable ASCII' }])
}

/** A list of all faults could make the response many times as large as its request. */
const mostFaults = 50
/** In characters: a path may be a name of the caller's. */
const longestPath = 128

/** The failure of an input with these faults; the message names the first 50, and the first 128 characters of each path. */
export function invalid(all: readonly Fault[], hint?: string): Failure {
  const faults = all.slice(0, mostFaults).map(({ path, message }) => ({ path: path.slice(0, longestPath), message }))
  const sentences = faults.map(({ path, message }) => (path ? `${path} ${message}` : message))
  return new Failure('invalid_request', sentences.join('; '), { faults, hint })
}
