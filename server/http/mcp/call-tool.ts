import * as z from 'zod'
import { domainsInHeader, headers } from '../../../shared/headers.ts'
import type { AgentCall } from '../../auth/agents/agent-calls.ts'
import type { Caller } from '../../auth/authenticate.ts'
import { isPlainId } from '../agents/texts.ts'
import type { ToolCall } from '../request/request-context.ts'
import { rowsThatFit, shortened } from './fit.ts'
import { fewRows, inputSchema, type JsonSchema, mostRows } from './schemas.ts'
import { type Called, proposedKinds, type Tool } from './tools.ts'
import { warningsOf } from './warnings.ts'

/** What a tool needs of the request that calls it. */
export interface ToolDoor {
  caller: Caller
  /** Calls an endpoint in this process, as the agent. */
  send: (request: Request, tool: ToolCall) => Promise<Response>
  /** The URL of the server as browsers have it. */
  root: string
  /** Keeps the call, whatever came of it. */
  keep: (call: Omit<AgentCall, 'caller'>) => Promise<void>
  /** Takes an error that the agent did not cause. */
  failed: (error: unknown) => void
}

/** Why a tool has no answer: what the agent gets of the error of an endpoint, or of the arguments. */
interface Refusal {
  code: string
  detail: string
  hint?: string | undefined
  errors?: unknown
  /** In seconds. */
  retry_after?: number | undefined
}

export type ToolAnswer = { answer: Record<string, unknown> } | { refusal: Refusal }

const Problem = z.object({
  code: z.string(),
  detail: z.string(),
  hint: z.string().optional(),
  errors: z.array(z.looseObject({ path: z.string() })).optional(),
})
const Arguments = z.record(z.string(), z.unknown())
const Paged = z.object({
  limit: z.int().min(1).max(mostRows).default(fewRows),
  cursor: z.string().max(6000).optional(),
})
const Change = z.strictObject({
  kind: z.string(),
  filter: Arguments,
  reason: z.string().trim().min(1, 'must not be blank').max(500, 'must be at most 500 characters').optional(),
  digest: z.string().optional(),
})

/** Ends a tool without an answer. */
class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.detail)
  }
}

const failed = { refusal: { code: 'internal', detail: 'the server could not answer; nothing was changed' } }

/** Calls a tool, and keeps the call. */
export async function callTool(door: ToolDoor, tool: Tool, given: unknown): Promise<ToolAnswer> {
  const kept = { tool: tool.name, filter: given, rows: 0, fields: new Set<string>() }
  const gave: ToolCall['gave'] = ({ rows, fields }) => {
    kept.rows += rows
    for (const field of fields) kept.fields.add(field)
  }
  const keep = (failed?: string) =>
    door.keep({ ...kept, fields: [...kept.fields], ...(failed !== undefined && { failed }) })
  try {
    const as_of = new Date().toISOString()
    const asking = { door, tool, call: { caller: door.caller, gave } }
    const found = tool.change ? await askForChange(asking, tool.change, given) : await askForRows(asking, given)
    await keep()
    const { value, left_out } = shortened({ as_of, ...found })
    const answer = Arguments.parse(value)
    return { answer: Object.keys(left_out).length > 0 ? { ...answer, left_out } : answer }
  } catch (error) {
    const { refusal } = error instanceof Refused ? error : failed
    if (!(error instanceof Refused)) door.failed(error)
    await keep(refusal.code)
    return { refusal }
  }
}

interface Asking {
  door: ToolDoor
  tool: Tool
  call: ToolCall
}

async function askForRows(asking: Asking, given: unknown): Promise<Record<string, unknown>> {
  const { tool } = asking
  const args = knownArguments(inputSchema(tool), given)
  if (!tool.rows) return wholeAnswer(asking, args)
  const { field, by } = tool.rows
  const { limit, cursor, ...others } = {
    ...args,
    ...read(Paged, { limit: args.limit ?? undefined, cursor: args.cursor ?? undefined }),
  }
  const paging = { link: { limit, cursor }, before_id: { limit, before_id: cursor ?? firstId }, position: {} }[by]
  const { found, next, nextAfter } = await pageOf(asking, { ...others, ...paging })
  const from = by === 'position' ? Number(/^\d{1,9}$/.exec(cursor ?? '0')?.[0] ?? Number.NaN) : 0
  if (Number.isNaN(from)) throw invalid('cursor is no next_cursor of this tool')
  const all = rowsIn(found, field)
  const rows = all.slice(from, from + limit)
  const count = rowsThatFit(rows, { ...found, [field]: [] })
  const page = { ...found, [field]: inOrder(by, rows, count) }
  if (by === 'position') return { ...page, ...(from + count < all.length && { next_cursor: String(from + count) }) }
  if (by === 'before_id') {
    // The event log may have more events where a page is not full, or empty.
    const last = count < rows.length || rows.length === limit ? idOf(page[field]) : nextAfter
    return { ...page, ...(last !== undefined && { next_cursor: last }) }
  }
  // The endpoint knows where a shorter page ends.
  const shorter =
    count < rows.length ? await pageOf(asking, { ...others, limit: count, cursor }) : { found: page, next }
  return { ...shorter.found, ...(shorter.next !== undefined && { next_cursor: shorter.next }) }
}

/** The last events are in the order of their ids: the newest are at the end. */
const inOrder = (by: string, rows: readonly unknown[], count: number): readonly unknown[] =>
  by === 'before_id' && isAscending(rows) ? rows.slice(rows.length - count) : rows.slice(0, count)

const Row = z.object({ id: z.number() })
const idsOf = (rows: unknown): number[] =>
  Array.isArray(rows) ? rows.flatMap((row) => Row.safeParse(row).data?.id ?? []) : []
const isAscending = (rows: unknown): boolean => {
  const [first = 0, second = 0] = idsOf(rows)
  return second > first
}
/** The lowest id of a page, before which the next one begins. */
const idOf = (rows: unknown): string | undefined => {
  const ids = idsOf(rows)
  return ids.length === 0 ? undefined : String(Math.min(...ids))
}
const firstId = String(Number.MAX_SAFE_INTEGER)

const rowsIn = (found: Record<string, unknown>, field: string): readonly unknown[] => {
  const rows = found[field]
  return Array.isArray(rows) ? rows : []
}

/** The answers of all endpoints of a tool. What one beside the first refuses is left out: a caller with a scope is not served by all. */
async function wholeAnswer(asking: Asking, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const answers = await Promise.all(
    asking.tool.calls.map(async ({ as, endpoint, fixed = {} }, at) => {
      const asked = ask(asking, endpoint, at === 0 ? { ...args, ...fixed } : fixed)
      const answer = at === 0 ? await asked : await asked.catch(orForbidden)
      return answer === undefined ? {} : told(as, answer)
    }),
  )
  const answer = Object.assign({}, ...answers)
  // Without the reports nothing is known: no warning would say that all is well.
  return asking.tool.warns && answer.database !== undefined
    ? { warnings: warningsOf(answer, Date.now()), ...answer }
    : answer
}

const orForbidden = (error: unknown): undefined => {
  if (error instanceof Refused && ['forbidden', 'not_supported', 'records_missing'].includes(error.refusal.code))
    return undefined
  throw error
}

async function pageOf(asking: Asking, args: Record<string, unknown>) {
  const [call] = asking.tool.calls
  if (!call) throw new Error(`the tool ${asking.tool.name} calls no endpoint`)
  const asked = await ask(asking, call.endpoint, { ...args, ...call.fixed })
  const query = /<\?([^>]*)>; rel="next"/.exec(asked.link ?? '')?.[1]
  const next = new URLSearchParams(query).get('cursor') ?? undefined
  return { found: told(call.as, asked), next, nextAfter: asked.nextAfter }
}

/** The answer of an endpoint as a tool gives it, with the domains whose jobs it leaves out. */
const told = (as: string | undefined, { body, otherDomains }: Asked): Record<string, unknown> => ({
  ...(as === undefined ? Arguments.parse(body) : { [as]: body }),
  ...(otherDomains.length > 0 && { other_domains: otherDomains }),
})

async function askForChange(
  asking: Asking,
  change: 'preview' | 'proposal',
  given: unknown,
): Promise<Record<string, unknown>> {
  const { door, tool } = asking
  const { kind, filter, reason, digest } = read(Change, given)
  const path = [...proposedKinds].find(([known]) => known === kind)?.[1]
  if (path === undefined) throw invalid(`kind must be one of ${[...proposedKinds.keys()].join(', ')}`)
  if ((reason === undefined) === (change === 'proposal'))
    throw invalid(change === 'proposal' ? 'reason is missing' : 'reason belongs to propose_change')
  if (digest !== undefined && change === 'preview') throw invalid('digest belongs to propose_change')
  const { properties } = z.object({ properties: z.object({ filter: Arguments }) }).parse(inputSchema(tool))
  const request = knownArguments(properties.filter, filter)
  const [call] = tool.calls
  if (!call) throw new Error(`the tool ${tool.name} calls no endpoint`)
  const answer = told(call.as, await ask(asking, call.endpoint, { path, request, digest }, reason))
  const id = call.as === undefined ? undefined : Row.safeParse(answer[call.as]).data?.id
  return id === undefined
    ? answer
    : {
        ...answer,
        page: `${door.root}/ui/plans/${id}`,
        commands: { approve: `jobsctl approve ${id}`, apply: `jobsctl apply ${id}`, reject: `jobsctl reject ${id}` },
      }
}

interface Asked {
  body: unknown
  link: string | undefined
  nextAfter: string | undefined
  otherDomains: readonly string[]
}

/** @throws Refused with the error of the endpoint */
async function ask(
  { door, call }: Asking,
  endpoint: Called,
  args: Record<string, unknown>,
  reason?: string,
): Promise<Asked> {
  const response = await door.send(requestOf(endpoint, args, reason), call)
  const body: unknown = await response.json()
  const header = (name: string) => response.headers.get(name) ?? undefined
  if (response.ok)
    return {
      body,
      link: header('link'),
      nextAfter: header(headers.nextAfter),
      otherDomains: domainsInHeader(header(headers.otherDomains)),
    }
  const problem = Problem.parse(body)
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  throw new Refused({
    ...(keyedPath(endpoint, args) === undefined ? problem : withIdNamed(problem)),
    ...(Number.isFinite(retryAfter) && { retry_after: retryAfter }),
  })
}

/** The path for an id that is no number and no uuid, which goes into the query as `key`; undefined for another one. */
const keyedPath = ({ keyed }: Called, { id }: Record<string, unknown>): string | undefined =>
  id === undefined || isPlainId(String(id)) ? undefined : keyed

/** The problem of a request with a `key`, in the name of the argument that the agent sent. */
const withIdNamed = ({ detail, errors, ...problem }: z.output<typeof Problem>): Refusal => ({
  ...problem,
  detail: detail.replace(/^key /, 'id '),
  ...(errors && { errors: errors.map((fault) => (fault.path === 'key' ? { ...fault, path: 'id' } : fault)) }),
})

/** The request of an endpoint; its URL is relative to the root of the API. */
function requestOf(endpoint: Called, { id, ...args }: Record<string, unknown>, reason: string | undefined): Request {
  const { method, path } = endpoint
  const keyed = keyedPath(endpoint, { id })
  const named = keyed === undefined ? { ...args, id } : { ...args, key: id }
  const rest = new Map(Object.entries(named).filter(([, value]) => value !== undefined && value !== null))
  const filled = (keyed ?? path).replaceAll(/:(\w+)/g, (_part, name: string) => {
    const value = rest.get(name)
    if (value === undefined) throw invalid(`${name} is missing`)
    rest.delete(name)
    return encodeURIComponent(textOf(name, value))
  })
  const url = new URL(filled, 'http://localhost')
  if (method === 'GET') for (const [name, value] of rest) url.searchParams.set(name, textOf(name, value))
  return new Request(url, {
    method,
    headers: {
      'Content-Type': 'application/json',
      // Callers without it are taken for jobsctl 0.2.0, which reads no ids of other engines.
      'User-Agent': 'jobs-server',
      // A header has one byte in each character.
      ...(reason !== undefined && { [headers.reason]: Buffer.from(reason.replaceAll(/\s+/g, ' ')).toString('latin1') }),
    },
    ...(method !== 'GET' && { body: JSON.stringify(Object.fromEntries(rest)) }),
  })
}

function textOf(name: string, value: unknown): string {
  const items = Array.isArray(value) ? value : [value]
  // In a query it would be a blank text, which is no filter.
  if (items.length === 0) throw invalid(`${name} must not be an empty list`)
  if (items.some((item) => typeof item === 'object'))
    throw invalid(`${name} must be a text, a number or a list of them`)
  return items.join(',')
}

/** The arguments of a call, of which the schema names each. @throws Refused */
function knownArguments(schema: JsonSchema | Record<string, unknown>, given: unknown): Record<string, unknown> {
  const args = read(Arguments, given ?? {})
  const { properties } = z.object({ properties: Arguments }).parse(schema)
  const unknown = Object.keys(args).filter((name) => !Object.hasOwn(properties, name))
  if (unknown.length === 0) return args
  const names = Object.keys(properties).join(', ')
  throw invalid(
    `${unknown
      .slice(0, 5)
      .map((name) => name.slice(0, 64))
      .join(', ')}: no such argument; there are ${names || 'none'}`,
  )
}

function read<T extends z.ZodType>(schema: T, given: unknown): z.output<T> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw invalid(
    parsed.error.issues
      .slice(0, 5)
      .map(({ path, message }) => `${path.join('.')} ${message}`.trim())
      .join('; '),
  )
}

const invalid = (detail: string): Refused =>
  new Refused({ code: 'invalid_request', detail: `${detail}; nothing was changed` })
