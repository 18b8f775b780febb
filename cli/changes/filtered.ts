import * as z from 'zod'
import type { Endpoint } from '../../shared/endpoint.ts'
import { Failure } from '../../shared/errors.ts'
import type { BulkKind } from '../../shared/records/records.ts'
import { scopeFields } from '../../shared/scope.ts'
import type { Context } from '../context.ts'
import type { BulkChange } from '../guard/change.ts'
import { guardChange } from '../guard/guard.ts'
import { bulkPart } from '../guard/tally.ts'
import type { Ending } from '../output/print.ts'
import type { Canaries } from '../settings/canary-flags.ts'
import { describeFilter, type FilterFields, filterNames } from '../settings/filter-flags.ts'
import { parseInput } from '../settings/flag-errors.ts'

/** A request of a change that takes a filter, without the fields that the guard adds. */
export type FilteredRequest = Record<string, unknown>

/**
 * The request with the types of the API: a number of the command line is a text until then.
 * @throws Failure `usage` with every fault, in flag names
 */
export function filteredRequest(endpoint: Endpoint, fields: unknown): FilteredRequest {
  const given = new Set(Object.keys(Fields.parse(fields)))
  const typed = Object.entries(Fields.parse(parseInput(endpoint.input, fields)))
  return Object.fromEntries(typed.filter(([name]) => given.has(name)))
}

const Fields = z.record(z.string(), z.unknown())

interface Filtered<In extends z.ZodType, Out extends z.ZodType> {
  name: BulkKind
  endpoint: Endpoint<In, Out>
  request: FilteredRequest
  words: readonly string[]
  count: (result: z.output<Out>) => number
  /** `would cancel`, `cancelled` */
  verbs: readonly [string, string]
  /** Words between the jobs and their place, such as `to priority 2`. */
  how?: string
  undoable?: boolean
}

/** The change that `filteredChange` makes. */
type FilteredChange<Out extends z.ZodType> = BulkChange<z.ZodType<unknown, unknown>, Out>

interface Selecting {
  mustExist?: boolean
}

/**
 * Guards a change that takes a filter, and with `canaries` tries some of the jobs first.
 * @throws Failure as `guardChange` does, and `usage` for a request that the API would reject
 */
export async function guardFiltered<Out extends z.ZodType>(
  context: Context,
  { mustExist = false }: Selecting,
  change: FilteredChange<Out>,
  canaries?: Canaries,
): Promise<Ending> {
  const request = Fields.parse(change.requests[0])
  if (!context.settings.preview) refuseUnknownFields(change.name, request)
  const { domain, queue, job_type } = ScopeOnly.parse(request)
  const scoped = { ...change, ...(!isById(request) && { scope: { domain, queue, job_type }, mustExist }) }
  if (!canaries) return guardChange(context, scoped)
  const { withCanaries } = await import('../guard/canary.ts')
  return guardChange(context, scoped, { apply: withCanaries(canaries), needsToken: '--canary' })
}

const ScopeOnly = z.object(scopeFields)

/** A change that takes a filter, for the guard. */
export function filteredChange<In extends z.ZodType<unknown, unknown>, Out extends z.ZodType>(
  change: Filtered<In, Out>,
): FilteredChange<Out> {
  const { name, endpoint, words, count, verbs, how, undoable = true } = change
  const request = filteredRequest(endpoint, change.request)
  const [would, did] = verbs
  const where = [...(how === undefined ? [] : [how]), ...placeOf(request)].map((part) => ` ${part}`).join('')
  return {
    name,
    endpoint,
    requests: [request],
    preview: () => ({ ...request, dry_run: true }),
    bounded: (_request, bound) => ({ ...request, dry_run: false, ...bound }),
    count,
    say: (jobs, done) => `${done ? did : would} ${jobs}${where}`,
    facts: request,
    words,
    undoable,
    checkServer: (_client, answers) => {
      if (answers.some((answer) => bulkPart(answer).preview === undefined)) refuseUnknownFields(name, request)
    },
  }
}

/** `in chatbooks`; nothing for jobs that are named by their ids. */
function placeOf(request: FilteredRequest): string[] {
  if (isById(request)) return []
  const fields = Object.entries(request).filter(([field]) => filterNames.has(field))
  const filter: FilterFields = Object.fromEntries(fields.map(([field, value]) => [field, String(value)]))
  return [`in ${describeFilter(filter)}`]
}

const isById = ({ ids, job_id }: FilteredRequest): boolean => ids !== undefined || job_id !== undefined

/** The fields that a server which gives no previews understands. */
const understood = new Map<BulkKind, readonly string[]>([
  ['requeue', ['domain', 'queue', 'job_type', 'job_id']],
  ['cancel', ['domain', 'queue', 'job_type', 'job_id']],
  ['retry', ['domain', 'queue', 'job_type', 'job_id']],
  ['reschedule', ['domain', 'queue', 'job_type', 'delay_seconds']],
])

/**
 * A server that gives no previews passes over fields that it does not know, so that a filter would mean more jobs.
 * @throws Failure `usage`
 */
export function refuseUnknownFields(kind: BulkKind, request: FilteredRequest): void {
  const unknown = Object.keys(request).filter(
    (field) => request[field] !== undefined && !understood.get(kind)?.includes(field),
  )
  if (unknown.length === 0) return
  throw new Failure(
    'usage',
    `a server without previews passes over ${unknown.join(', ')}, so that other jobs would be changed; nothing was changed`,
    { hint: 'select the jobs by --domain, --queue and --job-type; jobsctl doctor shows what this server lacks' },
  )
}
