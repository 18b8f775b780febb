import * as z from 'zod'
import { type BulkKind, kindOf } from '../../shared/changes/kinds.ts'
import { setPriority } from '../../shared/changes/priority.ts'
import { reclaim } from '../../shared/changes/reclaim.ts'
import { redrive } from '../../shared/changes/redrive.ts'
import { reschedule } from '../../shared/changes/reschedule.ts'
import { retry } from '../../shared/changes/retry.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import { scopeFields } from '../../shared/scope.ts'
import type { Context } from '../context.ts'
import type { BulkChange } from '../guard/change.ts'
import { guardChange } from '../guard/guard.ts'
import type { Ending } from '../output/print.ts'
import type { Canaries } from '../settings/flags/canary-flags.ts'
import { describeFilter, type FilterFields, filterNames } from '../settings/flags/filter-flags.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'
import { durationText } from '../text/duration.ts'
import { besideRefused, besideRetry } from './dependents.ts'
import { byDryRun, checkFields } from './request-fields.ts'

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

/** `would delete`, or `deleted` once it is done. */
export function verbOf(kind: BulkKind, done: boolean): string {
  const { verb, done: passive, did = passive } = kindOf(kind)
  return done ? did : `would ${verb}`
}

interface Filtered<In extends z.ZodType, Out extends z.ZodType> {
  name: BulkKind
  endpoint: Endpoint<In, Out>
  request: FilteredRequest
  words: readonly string[]
  /** Words between the jobs and their scope, such as `to priority 2`. */
  how?: string
}

/** The change that `filteredChange` makes. */
type FilteredChange<Out extends z.ZodType> = BulkChange<z.ZodType<unknown, unknown>, Out>

interface Selecting {
  mustExist?: boolean
  idsFile?: string
}

/**
 * Guards a change that takes a filter, and with `canaries` tries some of the jobs first.
 * @throws Failure as `guardChange` does, and `usage` for a request that the API would reject
 */
export async function guardFiltered<Out extends z.ZodType>(
  context: Context,
  { mustExist = false, idsFile }: Selecting,
  change: FilteredChange<Out>,
  canaries?: Canaries,
): Promise<Ending> {
  const request = Fields.parse(change.requests[0])
  const { domain, queue, job_type } = ScopeOnly.parse(request)
  const selected = isById(request)
    ? { naming: { fromFile: idsFile !== undefined, mustExist, isNarrowed: isNarrowed(request) } }
    : { scope: { domain, queue, job_type }, mustExist }
  const scoped = { ...change, ...selected }
  if (!canaries) return guardChange(context, scoped)
  const { withCanaries } = await import('../guard/canary.ts')
  return guardChange(context, scoped, { apply: withCanaries(canaries), canaries, needsToken: '--canary' })
}

const ScopeOnly = z.object(scopeFields)

/** A change that takes a filter, for the guard. */
export function filteredChange<In extends z.ZodType<unknown, unknown>, Out extends z.ZodType>(
  change: Filtered<In, Out>,
): FilteredChange<Out> {
  const { name, endpoint, words, how } = change
  const request = filteredRequest(endpoint, change.request)
  const where = [...(how === undefined ? [] : [how]), ...scopeWords(request)].map((part) => ` ${part}`).join('')
  return {
    name,
    endpoint,
    requests: [request],
    ...byDryRun,
    say: (jobs, done) => `${verbOf(name, done)} ${jobs}${where}`,
    facts: request,
    words,
    checkServer: checkFields(name, [request]),
  }
}

/** `in chatbooks`; nothing for jobs that are named by their ids. */
const scopeWords = (request: FilteredRequest): string[] => (isById(request) ? [] : [`in ${describeRequest(request)}`])

/** The filter of a request in a sentence: `chatbooks`, `chatbooks/default with --owner alice`. */
export function describeRequest(request: object): string {
  const fields = Object.entries(request).filter(([field, value]) => filterNames.has(field) && value !== undefined)
  const filter: FilterFields = Object.fromEntries(fields.map(([field, value]) => [field, String(value)]))
  return describeFilter(filter)
}

const isNarrowed = (request: FilteredRequest): boolean => Object.keys(request).some((field) => filterNames.has(field))

const isById = ({ ids, job_id }: FilteredRequest): boolean => ids !== undefined || job_id !== undefined

/** Sets the priority of queued jobs, for the guard. */
export const priorityChange = (request: FilteredRequest, words: readonly string[]) => ({
  ...filteredChange({
    name: 'priority',
    endpoint: setPriority,
    request,
    words,
    how: `to ${request.priority}`,
  }),
  beside: besideRefused('changed'),
})

/** Takes running jobs from their workers, for the guard. */
export const reclaimChange = (request: FilteredRequest, words: readonly string[]) =>
  filteredChange({
    name: 'reclaim',
    endpoint: reclaim,
    request,
    words,
    ...(typeof request.worker_prefix === 'string' && { how: `from workers ${request.worker_prefix}*` }),
  })

/** Moves the run times of queued jobs, for the guard. */
export const rescheduleChange = (request: FilteredRequest, words: readonly string[]) => ({
  ...filteredChange({
    name: 'reschedule',
    endpoint: reschedule,
    request,
    words,
    how: timeOf(request),
  }),
  beside: besideRefused('rescheduled'),
})

/** The new time in words: `to now`, `to 2 h from now`, `by 15m`. */
function timeOf({ available_at, by_seconds, delay_seconds }: FilteredRequest): string {
  if (typeof available_at === 'string') return `to ${available_at}`
  if (typeof by_seconds === 'number') return `by ${by_seconds < 0 ? '-' : ''}${durationText(Math.abs(by_seconds))}`
  return typeof delay_seconds === 'number' && delay_seconds > 0
    ? `to ${durationText(delay_seconds)} from now`
    : 'to now'
}

/** Moves dead letters back into their queues, for the guard. */
export const redriveChange = (request: FilteredRequest, words: readonly string[]) => ({
  ...filteredChange({ name: 'redrive', endpoint: redrive, request, words }),
  beside: besideRefused('redriven'),
})

/** A retry of failed jobs, for the guard. */
export const retryChange = (request: FilteredRequest, words: readonly string[]) => ({
  ...filteredChange({
    name: 'retry',
    endpoint: retry,
    request,
    words,
  }),
  along: 'brought back' as const,
  beside: besideRetry,
})
